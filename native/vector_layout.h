#ifndef PGSLUICE_VECTOR_LAYOUT_H_
#define PGSLUICE_VECTOR_LAYOUT_H_

#include <cstddef>

// How vectors lie in the arena, whatever they are made of.

constexpr size_t kVectorAlignment = 16;

inline size_t aligned(size_t offset) {
  return (offset + kVectorAlignment - 1) / kVectorAlignment * kVectorAlignment;
}

inline size_t validity_bytes(size_t rows) { return (rows + 63) / 64 * 8; }

// Of making one: unusual where a value has no place in it, miscounted where there are not as many as rows.
enum class Outcome { done, unusual, miscounted };

#endif  // PGSLUICE_VECTOR_LAYOUT_H_
