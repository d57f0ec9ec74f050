#include "decode_worker.h"

#include <memory>
#include <string>
#include <vector>

#include "column_decoder.h"

namespace {

// Decimal digits that always fit into a kind of integers; 0 for kinds that are no decimal.
int kind_digits(VectorKind kind) {
  switch (kind) {
    case VectorKind::decimal16:
      return 4;
    case VectorKind::decimal32:
      return 9;
    case VectorKind::decimal64:
      return 18;
    case VectorKind::decimal128:
      return 38;
    default:
      return 0;
  }
}

bool read_packed_column(const Napi::Value& value, PackedColumn* column, Napi::Value* text, bool* is_ascii) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  const Napi::Value kind = object.Get("kind");
  const Napi::Value precision = object.Get("precision");
  const Napi::Value scale = object.Get("scale");
  const Napi::Value nullable = object.Get("nullable");
  const Napi::Value digits = object.Get("digits");
  const Napi::Value escaped = object.Get("escaped");
  const Napi::Value ascii = object.Get("ascii");
  *text = object.Get("text");
  if (!kind.IsNumber() || !precision.IsNumber() || !scale.IsNumber() || !nullable.IsBoolean() ||
      !digits.IsBoolean() || !escaped.IsBoolean() || !ascii.IsBoolean() || !text->IsString())
    return false;
  const uint32_t number = kind.As<Napi::Number>().Uint32Value();
  if (number >= static_cast<uint32_t>(VectorKind::count)) return false;
  column->kind = static_cast<VectorKind>(number);
  column->precision = precision.As<Napi::Number>().Int32Value();
  column->scale = scale.As<Napi::Number>().Int32Value();
  const int most_digits = kind_digits(column->kind);
  if (column->precision < (most_digits > 0 ? 1 : 0) || column->precision > most_digits) return false;
  if (column->scale < 0 || column->scale > column->precision) return false;
  column->nullable = nullable.As<Napi::Boolean>().Value();
  column->digits = digits.As<Napi::Boolean>().Value();
  column->escaped = escaped.As<Napi::Boolean>().Value();
  *is_ascii = ascii.As<Napi::Boolean>().Value();
  return napi_get_value_string_utf16(value.Env(), *text, nullptr, 0, &column->length) == napi_ok;
}

// Decodes on a thread of libuv's pool; JavaScript must leave the arena alone until the promise is settled.
class DecodeWorker : public Napi::AsyncWorker {
 public:
  explicit DecodeWorker(Napi::Env env) : AsyncWorker(env, "pgsluice:decodeVectors"), deferred_(env) {}

  bool read(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsNumber() || !info[1].IsArray() || !info[2].IsArrayBuffer() || !info[3].IsNumber()) return false;
    rows_ = info[0].As<Napi::Number>().Uint32Value();
    used_ = info[3].As<Napi::Number>().Uint32Value();
    const auto columns = info[1].As<Napi::Array>();
    auto arena = info[2].As<Napi::ArrayBuffer>();
    if (rows_ == 0) return false;
    arena_ = static_cast<char*>(arena.Data());
    columns_.resize(columns.Length());
    std::vector<bool> ascii(columns.Length());
    size_t units = 0;
    size_t most = 0;
    for (uint32_t index = 0; index < columns.Length(); ++index) {
      Napi::HandleScope scope(env);
      Napi::Value text;
      bool is_ascii;
      PackedColumn& column = columns_[index];
      if (!read_packed_column(columns.Get(index), &column, &text, &is_ascii)) return false;
      ascii[index] = is_ascii;
      if (!is_ascii) units += column.length + 1;
      most += most_bytes(rows_, column.length);
    }
    if (used_ > arena.ByteLength() || most > arena.ByteLength() - used_) return false;
    // This is not a std::vector, which would fill it with zeros first.
    texts_.reset(new char16_t[units]);
    char16_t* at = texts_.get();
    for (uint32_t index = 0; index < columns.Length(); ++index) {
      Napi::HandleScope scope(env);
      PackedColumn& column = columns_[index];
      const Napi::Value text = columns.Get(index).As<Napi::Object>().Get("text");
      // Includes a terminating zero.
      if (ascii[index]) {
        column.ascii = arena_ + used_;
        if (napi_get_value_string_latin1(env, text, column.ascii, column.length + 1, nullptr) != napi_ok) return false;
        used_ += column.length + 1;
        continue;
      }
      if (napi_get_value_string_utf16(env, text, at, column.length + 1, nullptr) != napi_ok) return false;
      column.text = at;
      at += column.length + 1;
    }
    kept_ = Napi::Persistent(info[2].As<Napi::Object>());
    return true;
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    std::string scratch;
    decoded_.resize(columns_.size());
    for (size_t index = 0; index < columns_.size(); ++index) {
      if (!decode_column(columns_[index], rows_, arena_, &used_, &scratch, &decoded_[index]))
        return SetError("A packed column has not as many values as its batch has rows.");
    }
  }

  void OnOK() override {
    auto result = Napi::Float64Array::New(Env(), decoded_.size() * 3 + 1);
    for (size_t index = 0; index < decoded_.size(); ++index) {
      const DecodedColumn& column = decoded_[index];
      result[index * 3] = column.form == Decoded::as_asked ? 1 : column.form == Decoded::as_texts ? 0 : -1;
      if (column.form == Decoded::not_at_all) continue;
      result[index * 3 + 1] = static_cast<double>(column.values);
      result[index * 3 + 2] = column.validity == kNoNulls ? -1 : static_cast<double>(column.validity);
    }
    result[decoded_.size() * 3] = static_cast<double>(used_);
    deferred_.Resolve(result);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference kept_;
  size_t rows_ = 0;
  char* arena_ = nullptr;
  size_t used_ = 0;
  std::unique_ptr<char16_t[]> texts_;
  std::vector<PackedColumn> columns_;
  std::vector<DecodedColumn> decoded_;
};

}  // namespace

Napi::Value decode_columns(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto worker = std::make_unique<DecodeWorker>(env);
  if (!worker->read(info)) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "decodeVectors(rows, columns, arena, from) was called wrongly.")
          .ThrowAsJavaScriptException();
    return Napi::Value();
  }
  const Napi::Promise promise = worker->promise();
  // The worker deletes itself.
  worker.release()->Queue();
  return promise;
}
