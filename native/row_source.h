#ifndef PGSLUICE_ROW_SOURCE_H_
#define PGSLUICE_ROW_SOURCE_H_

#include <napi.h>

// registerRows(connection, name): registers a table function of DuckDB whose rows are decoded batches. Returns an object
// with `use(parts)`, to be called before a statement and with no parts after it. fillChunk(chunk, part): writes the rows
// of one part into a chunk. src/model/column-decoding.ts has the types.
Napi::Value register_rows(const Napi::CallbackInfo& info);
Napi::Value fill_chunk(const Napi::CallbackInfo& info);

#endif  // PGSLUICE_ROW_SOURCE_H_
