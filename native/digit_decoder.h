#ifndef PGSLUICE_DIGIT_DECODER_H_
#define PGSLUICE_DIGIT_DECODER_H_

#include <cstddef>

#include "column_decoder.h"
#include "vector_layout.h"

// Decodes a column of digits (src/model/binary-values.ts) to a vector at `arena + *used`, and moves `*used` behind it.
Outcome decode_digits(const PackedColumn& column, size_t rows, const char* text, size_t length, char* arena,
                      size_t* used, DecodedColumn* out);

#endif  // PGSLUICE_DIGIT_DECODER_H_
