// Exports only: what is read, and how often, is in process_stats_*.cc, what is encoded in record_encoder.cc,
// what is decoded in decode_worker.cc, how DuckDB takes it in row_source.cc; every default and fallback is in src/native
// and src/fivetran.
#include <napi.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#include "decode_worker.h"
#include "packed_values.h"
#include "process_stats.h"
#include "record_encoder.h"
#include "row_source.h"

namespace {

// There is one state per process, shared by the main thread, workers and repeated loads. It is never freed, so that it
// outlives whatever still runs at exit.
struct Shared {
  std::mutex mutex;
  ProcessStatsSources sources;
};

Shared& shared() {
  static Shared* state = new Shared;
  return *state;
}

// sample(buffer: Float64Array): fills the first `fieldCount` elements. It uses the plain C calls, because Napi's
// wrappers cost as much again as the reading.
Napi::Value sample(const Napi::CallbackInfo& info) {
  napi_env env = info.Env();
  napi_value buffer = info[0];
  bool is_typed_array = false;
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_is_typedarray(env, buffer, &is_typed_array) != napi_ok || !is_typed_array ||
      napi_get_typedarray_info(env, buffer, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array) {
    Napi::TypeError::New(env, "sample(buffer) needs a Float64Array.").ThrowAsJavaScriptException();
    return Napi::Value();
  }
  if (length < kProcessStatsFields || data == nullptr) {
    Napi::TypeError::New(env, "sample(buffer) needs a Float64Array of at least " +
                                  std::to_string(kProcessStatsFields) + " elements.")
        .ThrowAsJavaScriptException();
    return Napi::Value();
  }
  ProcessStats stats;
  {
    std::lock_guard<std::mutex> lock(shared().mutex);
    read_process_stats(shared().sources, &stats);
  }
  std::memcpy(data, &stats, sizeof stats);
  return Napi::Value();
}

Napi::Value set_path(const Napi::CallbackInfo& info, std::string ProcessStatsSources::*member, const char* message) {
  if (!info[0].IsString()) {
    Napi::TypeError::New(info.Env(), message).ThrowAsJavaScriptException();
    return Napi::Value();
  }
  std::string path = info[0].As<Napi::String>().Utf8Value();
  std::lock_guard<std::mutex> lock(shared().mutex);
  shared().sources.*member = std::move(path);
  return Napi::Value();
}

// setDiskPath(path: string): sets the path whose file system the disk fields describe.
Napi::Value set_disk_path(const Napi::CallbackInfo& info) {
  return set_path(info, &ProcessStatsSources::disk_path, "setDiskPath(path) needs a string.");
}

// setRoot(path: string): sets a prefix of /proc and of cgroup mount points; '' means the real ones.
Napi::Value set_root(const Napi::CallbackInfo& info) {
  return set_path(info, &ProcessStatsSources::root, "setRoot(path) needs a string.");
}

// exitNow(code: number): ends the process at once. Node's own exit joins libuv's threads first, which
// never happens while one of them is stuck in an ODBC call to a server that stopped answering.
Napi::Value exit_now(const Napi::CallbackInfo& info) {
  const double code = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  if (!(code >= 0 && code <= 255) || code != static_cast<int>(code)) {
    Napi::TypeError::New(info.Env(), "exitNow(code) needs a whole number from 0 to 255.")
        .ThrowAsJavaScriptException();
    return Napi::Value();
  }
  ::_exit(static_cast<int>(code));
}

// limitMemoryArenas(count: number): glibc gives threads arenas of their own, up to eight per core, and each keeps what
// its thread once used. With libuv's and DuckDB's threads that was a fifth of a sync's memory. Returns whether the C
// library accepted the limit.
Napi::Value limit_memory_arenas(const Napi::CallbackInfo& info) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= 1024) || count != static_cast<int>(count)) {
    Napi::TypeError::New(info.Env(), "limitMemoryArenas(count) needs a whole number from 1 to 1024.")
        .ThrowAsJavaScriptException();
    return Napi::Value();
  }
#ifdef __GLIBC__
  return Napi::Boolean::New(info.Env(), mallopt(M_ARENA_MAX, static_cast<int>(count)) == 1);
#else
  return Napi::Boolean::New(info.Env(), false);
#endif
}

// keepFreedMemory(blockBytes: number, heapBytes: number): glibc asks the kernel for every block of 128 kB or more, and
// gives the end of the heap back as soon as it is that large. Batches are made of such blocks, freed and asked for
// again within milliseconds: page faults were a quarter of the CPU time of a sync that only reads. Blocks up to
// blockBytes then come from the heap, which keeps heapBytes. Returns whether the C library accepted both.
Napi::Value keep_freed_memory(const Napi::CallbackInfo& info) {
  int bytes[2];
  for (size_t i = 0; i < 2; ++i) {
    const double value = info[i].IsNumber() ? info[i].As<Napi::Number>().DoubleValue() : 0;
    if (!(value >= 4096 && value <= 1 << 30)) {
      Napi::TypeError::New(info.Env(), "keepFreedMemory(blockBytes, heapBytes) needs two numbers from 4096 to 2^30.")
          .ThrowAsJavaScriptException();
      return Napi::Value();
    }
    bytes[i] = static_cast<int>(value);
  }
#ifdef __GLIBC__
  const bool taken = mallopt(M_MMAP_THRESHOLD, bytes[0]) == 1 && mallopt(M_TRIM_THRESHOLD, bytes[1]) == 1;
  return Napi::Boolean::New(info.Env(), taken);
#else
  return Napi::Boolean::New(info.Env(), false);
#endif
}

// Counts in single bytes, which the compiler turns into vector instructions; a byte can count to 255.
size_t count_bytes(const char* text, size_t length, char character) {
  size_t count = 0;
  for (size_t from = 0; from < length; from += 255) {
    const size_t end = std::min(length, from + 255);
    uint8_t of_block = 0;
    for (size_t index = from; index < end; ++index) of_block += text[index] == character ? 1 : 0;
    count += of_block;
  }
  return count;
}

// countLatin1(text: string, code: number): counts the characters that have this code. A character beyond Latin-1 counts
// as its last eight bits.
Napi::Value count_latin1(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t length = 0;
  if (!info[1].IsNumber() || napi_get_value_string_latin1(env, info[0], nullptr, 0, &length) != napi_ok) {
    Napi::TypeError::New(env, "countLatin1(text, code) was called wrongly.").ThrowAsJavaScriptException();
    return Napi::Value();
  }
  // Kept between calls for texts of the usual sizes: fresh memory would cost more than the counting.
  static thread_local char usual[256 * 1024];
  std::unique_ptr<char[]> large;
  if (length >= sizeof usual) large.reset(new char[length + 1]);
  char* text = large == nullptr ? usual : large.get();
  napi_get_value_string_latin1(env, info[0], text, length + 1, nullptr);
  const char character = static_cast<char>(info[1].As<Napi::Number>().Uint32Value());
  return Napi::Number::New(env, static_cast<double>(count_bytes(text, length, character)));
}

bool read_text(Napi::Env env, napi_value value, std::u16string* scratch, std::string* out) {
  size_t length = 0;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, &length) != napi_ok) return false;
  scratch->resize(length + 1);
  if (napi_get_value_string_utf16(env, value, &(*scratch)[0], length + 1, &length) != napi_ok) return false;
  append_utf8(scratch->data(), length, out);
  return true;
}

bool read_bytes(const Napi::Value& value, std::string* out) {
  if (!value.IsBuffer()) return false;
  const auto bytes = value.As<Napi::Buffer<char>>();
  out->assign(bytes.Data(), bytes.Length());
  return true;
}

bool read_column(Napi::Env env, const Napi::Value& value, std::u16string* scratch, EncodedColumn* column) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  const Napi::Value kind = object.Get("kind");
  const Napi::Value field = object.Get("field");
  const Napi::Value most = object.Get("most");
  const Napi::Value nullable = object.Get("nullable");
  if (!kind.IsNumber() || !field.IsNumber() || !most.IsBigInt() || !nullable.IsBoolean()) return false;
  const uint32_t number = kind.As<Napi::Number>().Uint32Value();
  if (number >= static_cast<uint32_t>(ValueKind::count)) return false;
  column->kind = static_cast<ValueKind>(number);
  // The tag has one byte.
  column->field = field.As<Napi::Number>().Uint32Value();
  if (column->field < 1 || column->field > 15) return false;
  bool lossless = false;
  column->most = most.As<Napi::BigInt>().Uint64Value(&lossless);
  column->nullable = nullable.As<Napi::Boolean>().Value();
  return lossless && read_bytes(object.Get("name"), &column->name) &&
         read_text(env, object.Get("text"), scratch, &column->text);
}

bool read_batch(const Napi::CallbackInfo& info, RecordBatch* batch, MessageLimits* limits) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !read_bytes(info[1], &batch->beginning) || !info[2].IsArray() ||
      !read_bytes(info[3], &batch->constants) || !info[4].IsArray())
    return false;
  batch->rows = info[0].As<Napi::Number>().Uint32Value();
  const auto columns = info[2].As<Napi::Array>();
  // Kept from column to column, because a batch has a megabyte of text.
  std::u16string scratch;
  for (uint32_t index = 0; index < columns.Length(); ++index) {
    Napi::HandleScope scope(env);
    batch->columns.emplace_back();
    if (!read_column(env, columns.Get(index), &scratch, &batch->columns.back())) return false;
  }
  const auto numbers = info[4].As<Napi::Array>();
  size_t values[3];
  for (uint32_t index = 0; index < 3; ++index) {
    const Napi::Value value = numbers.Get(index);
    if (!value.IsNumber()) return false;
    values[index] = value.As<Napi::Number>().Uint32Value();
  }
  *limits = {values[0], values[1], values[2]};
  return true;
}

// encodeRecords(rows, beginning, columns, constants, limits): returns all messages in one buffer, and their places in
// it. Returns undefined where the batch has something unusual. src/model/record-encoding.ts has the types.
Napi::Value encode_records_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RecordBatch batch;
  MessageLimits limits;
  if (!read_batch(info, &batch, &limits)) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "encodeRecords(rows, beginning, columns, constants, limits) was called wrongly.")
          .ThrowAsJavaScriptException();
    return Napi::Value();
  }
  EncodedMessages messages;
  if (!encode_records(batch, limits, &messages)) return env.Undefined();
  auto places = Napi::Uint32Array::New(env, messages.places.size() * 3);
  std::memcpy(places.Data(), messages.places.data(), messages.places.size() * sizeof(MessagePlace));
  Napi::Object result = Napi::Object::New(env);
  result.Set("places", places);
  result.Set("bytes", Napi::Buffer<uint8_t>::NewOrCopy(env, messages.bytes, messages.size,
                                                       [](Napi::Env, uint8_t* bytes) { std::free(bytes); }));
  return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("sample", Napi::Function::New<sample>(env, "sample"));
  exports.Set("setDiskPath", Napi::Function::New<set_disk_path>(env, "setDiskPath"));
  exports.Set("setRoot", Napi::Function::New<set_root>(env, "setRoot"));
  exports.Set("exitNow", Napi::Function::New<exit_now>(env, "exitNow"));
  exports.Set("limitMemoryArenas", Napi::Function::New<limit_memory_arenas>(env, "limitMemoryArenas"));
  exports.Set("keepFreedMemory", Napi::Function::New<keep_freed_memory>(env, "keepFreedMemory"));
  exports.Set("countLatin1", Napi::Function::New<count_latin1>(env, "countLatin1"));
  exports.Set("encodeRecords", Napi::Function::New<encode_records_of>(env, "encodeRecords"));
  exports.Set("decodeVectors", Napi::Function::New<decode_columns>(env, "decodeVectors"));
  exports.Set("registerRows", Napi::Function::New<register_rows>(env, "registerRows"));
  exports.Set("fillChunk", Napi::Function::New<fill_chunk>(env, "fillChunk"));
  exports.Set("fieldCount", Napi::Number::New(env, static_cast<double>(kProcessStatsFields)));
  return exports;
}

}  // namespace

NODE_API_MODULE(process_stats, init)
