#ifndef PGSLUICE_COLUMN_DECODER_H_
#define PGSLUICE_COLUMN_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

// Packed columns as DuckDB's vectors hold them, for the forms in which PostgreSQL writes nearly all values. A column
// with anything else (an infinity, a year of five digits, more digits than its type has) becomes text as a whole, for
// DuckDB's own casts.

// In the order of VECTOR_KINDS in src/model/column-decoding.ts. Decimal kinds are named after the integers that DuckDB
// keeps them in.
enum class VectorKind : int32_t {
  text,
  boolean,
  int16,
  int32,
  int64,
  float32,
  float64,
  decimal16,
  decimal32,
  decimal64,
  decimal128,
  date,
  timestamp,
  timestamptz,
  blob,
  count
};

struct PackedColumn {
  VectorKind kind;
  int precision;  // of decimals, 1 to 38
  int scale;      // at most the precision
  bool nullable;
  bool digits;           // hexadecimal digits of the values' bytes, as in src/model/binary-values.ts
  bool escaped;
  char* ascii;           // the text where all of it is ASCII, in the arena; it may be written over. Else null:
  const char16_t* text;  // the text
  size_t length;         // in code units
};

constexpr size_t kNoNulls = SIZE_MAX;

// What a column became. "No vector" means digits of values that its kind does not have.
enum class Decoded { as_asked, as_texts, not_at_all };

// Offsets in the arena, multiples of 16.
struct DecodedColumn {
  Decoded form;
  size_t values;
  size_t validity;  // of a bit a row, set where it has a value; kNoNulls where all have
};

// The most bytes of the arena that a column takes, whatever its values are, its text included.
size_t most_bytes(size_t rows, size_t length);

// Writes from `arena + *used` on, and moves `*used`. Values longer than a vector's element point into the arena.
// Returns false where the column does not have as many values as rows. `scratch` is kept from column to column.
bool decode_column(const PackedColumn& column, size_t rows, char* arena, size_t* used, std::string* scratch,
                   DecodedColumn* out);

#endif  // PGSLUICE_COLUMN_DECODER_H_
