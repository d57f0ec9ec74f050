#ifndef PGSLUICE_DECODE_WORKER_H_
#define PGSLUICE_DECODE_WORKER_H_

#include <napi.h>

// decodeVectors(rows, columns, arena, from): returns for each column whether it was decoded, where in the arena its
// vector is, and where its validity is, or -1; last comes the end of them all. Decodes on a thread of libuv's pool,
// into the arena from an offset on. The arena must be left alone there until the promise settles.
// src/model/column-decoding.ts has the types.
Napi::Value decode_columns(const Napi::CallbackInfo& info);

#endif  // PGSLUICE_DECODE_WORKER_H_
