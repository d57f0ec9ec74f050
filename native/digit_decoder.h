#ifndef PGSLUICE_DIGIT_DECODER_H_
#define PGSLUICE_DIGIT_DECODER_H_

#include <cstddef>

#include "column_decoder.h"
#include "vector_layout.h"

// A column of digits (src/model/binary-values.ts) as a vector at `arena + *used`, which it moves behind it.
Outcome decode_digits(const PackedColumn& column, size_t rows, const char* text, size_t length, char* arena,
                      size_t* used, DecodedColumn* out);

#endif  // PGSLUICE_DIGIT_DECODER_H_
