#ifndef PGSLUICE_DECODE_WORKER_H_
#define PGSLUICE_DECODE_WORKER_H_

#include <napi.h>

// decodeColumns(rows, columns, arena): of each column whether it was decoded, where in the arena its vector is, and
// where its validity, or -1. Decodes on a thread of libuv's pool: the arena must be left alone until the promise is
// settled. src/model/column-decoding.ts has the types.
Napi::Value decode_columns(const Napi::CallbackInfo& info);

#endif  // PGSLUICE_DECODE_WORKER_H_
