#ifndef PGSLUICE_VECTOR_LAYOUT_H_
#define PGSLUICE_VECTOR_LAYOUT_H_

#include <cstddef>

// How vectors lie in the arena, whatever is decoded into them.

constexpr size_t kVectorAlignment = 16;

inline size_t aligned(size_t offset) {
  return (offset + kVectorAlignment - 1) / kVectorAlignment * kVectorAlignment;
}

inline size_t validity_bytes(size_t rows) { return (rows + 63) / 64 * 8; }

// The result of making one: unusual where the vector cannot hold a value, miscounted where there are not as many values
// as rows.
enum class Outcome { done, unusual, miscounted };

#endif  // PGSLUICE_VECTOR_LAYOUT_H_
