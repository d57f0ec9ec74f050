// DuckDB calls a table function of JavaScript once for 2,048 rows, on the main thread, and waits for it; here its own
// threads take the rows.
#include "row_source.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_api.h"
#include "vector_layout.h"

namespace {

// How @duckdb/node-bindings marks what it hands out: the type tags in bindings/src/type_tags.h of
// https://github.com/duckdb/duckdb-node-neo. Anything without the mark is refused.
constexpr napi_type_tag kConnectionTag = {0x922B9BF54AB04DFC, 0x8A258578D371DB71};
constexpr napi_type_tag kDataChunkTag = {0x2C7537AB063A4296, 0xB1E70F08B0BBD1A3};

// A connection comes in a struct of its own, so that it can be closed early.
struct ConnectionHolder {
  DuckDbHandle connection;
};

struct ColumnPlace {
  size_t width;
  // Offsets in the arena.
  size_t values;
  size_t validity;
  bool has_nulls;
};

// Rows of one batch, decoded into an arena, which JavaScript keeps alive.
struct RowPart {
  size_t rows;
  std::string types;
  const char* arena;
  std::vector<ColumnPlace> columns;
};

using RowParts = std::vector<RowPart>;

// A scan of the rows has a place of its own.
struct RowScan {
  size_t part = 0;
  size_t row = 0;
};

// The rows for the statement that runs. JavaScript changes them between statements only.
struct RowSource {
  RowParts parts;
};

template <typename T>
void delete_as(void* pointer) {
  delete static_cast<T*>(pointer);
}

DuckDbHandle type_of(const DuckDbApi& api, const std::string& text) {
  char* rest = nullptr;
  const auto id = static_cast<uint32_t>(std::strtoul(text.c_str(), &rest, 10));
  if (id != kDuckDbDecimal) {
    DuckDbHandle type = api.create_logical_type(id);
    if (*rest == ':') api.logical_type_set_alias(type, rest + 1);
    return type;
  }
  const auto precision = static_cast<uint8_t>(std::strtoul(*rest == ':' ? rest + 1 : rest, &rest, 10));
  const auto scale = static_cast<uint8_t>(std::strtoul(*rest == ':' ? rest + 1 : rest, &rest, 10));
  return api.create_decimal_type(precision, scale);
}

// The parameter has the columns' types, separated by semicolons: each is a number of the C API's enum duckdb_type, and
// behind a colon the precision and scale of a decimal, or an alias.
void bind_rows(DuckDbHandle info) {
  const DuckDbApi& api = *duckdb_api();
  DuckDbHandle value = api.bind_get_parameter(info, 0);
  char* text = api.get_varchar(value);
  auto types = std::make_unique<std::string>(text == nullptr ? "" : text);
  api.free(text);
  api.destroy_value(&value);
  size_t from = 0;
  for (size_t index = 0; from <= types->size(); ++index) {
    const size_t end = std::min(types->find(';', from), types->size());
    DuckDbHandle type = type_of(api, types->substr(from, end - from));
    api.bind_add_result_column(info, ("c" + std::to_string(index)).c_str(), type);
    api.destroy_logical_type(&type);
    from = end + 1;
  }
  api.bind_set_bind_data(info, types.release(), delete_as<std::string>);
}

// One thread takes the rows, in their order.
void begin_rows(DuckDbHandle info) {
  const DuckDbApi& api = *duckdb_api();
  api.init_set_init_data(info, new RowScan, delete_as<RowScan>);
  api.init_set_max_threads(info, 1);
}

// `from` is a multiple of 64, so that the validity begins with a whole word.
void copy_rows(const DuckDbApi& api, const RowPart& part, size_t from, size_t rows, DuckDbHandle chunk) {
  for (size_t index = 0; index < part.columns.size(); ++index) {
    const ColumnPlace& column = part.columns[index];
    DuckDbHandle vector = api.data_chunk_get_vector(chunk, index);
    std::memcpy(api.vector_get_data(vector), part.arena + column.values + from * column.width, rows * column.width);
    if (!column.has_nulls) continue;
    api.vector_ensure_validity_writable(vector);
    std::memcpy(api.vector_get_validity(vector), part.arena + column.validity + from / 8, validity_bytes(rows));
  }
  api.data_chunk_set_size(chunk, rows);
}

void next_rows(DuckDbHandle info, DuckDbHandle chunk) {
  const DuckDbApi& api = *duckdb_api();
  const RowParts& parts = (*static_cast<std::shared_ptr<RowSource>*>(api.function_get_extra_info(info)))->parts;
  const std::string& types = *static_cast<std::string*>(api.function_get_bind_data(info));
  RowScan& scan = *static_cast<RowScan*>(api.function_get_init_data(info));
  if (scan.part == parts.size() && !parts.empty()) return api.data_chunk_set_size(chunk, 0);
  if (parts.empty() || parts[scan.part].types != types)
    return api.function_set_error(info, "A statement was run without its batch.");
  const RowPart& part = parts[scan.part];
  const size_t rows = std::min<size_t>(api.vector_size(), part.rows - scan.row);
  copy_rows(api, part, scan.row, rows, chunk);
  scan.row += rows;
  if (scan.row < part.rows) return;
  ++scan.part;
  scan.row = 0;
}

bool read_part(const Napi::Value& value, RowPart* part) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  const Napi::Value rows = object.Get("rowCount");
  const Napi::Value types = object.Get("signature");
  const Napi::Value arena = object.Get("arena");
  const Napi::Value places = object.Get("places");
  if (!rows.IsNumber() || !types.IsString() || !arena.IsArrayBuffer() || !places.IsTypedArray()) return false;
  if (places.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) return false;
  part->rows = rows.As<Napi::Number>().Uint32Value();
  if (part->rows == 0) return false;
  part->types = types.As<Napi::String>().Utf8Value();
  auto buffer = arena.As<Napi::ArrayBuffer>();
  part->arena = static_cast<const char*>(buffer.Data());
  const auto numbers = places.As<Napi::Float64Array>();
  const size_t size = buffer.ByteLength();
  // A vector of a chunk that has no such column would be null.
  const size_t columns = 1 + std::count(part->types.begin(), part->types.end(), ';');
  if (numbers.ElementLength() != columns * 3) return false;
  for (size_t index = 0; index < numbers.ElementLength(); index += 3) {
    const double width = numbers[index];
    const double values = numbers[index + 1];
    const double validity = numbers[index + 2];
    const bool has_nulls = validity >= 0;
    // Written so that NaN is refused as well.
    if (!(width >= 1 && width <= 16 && values >= 0 && values + width * part->rows <= size)) return false;
    if (has_nulls && !(validity + validity_bytes(part->rows) <= size)) return false;
    part->columns.push_back({static_cast<size_t>(width), static_cast<size_t>(values),
                             has_nulls ? static_cast<size_t>(validity) : 0, has_nulls});
  }
  return true;
}

bool read_parts(const Napi::Value& value, RowParts* parts) {
  if (!value.IsArray()) return false;
  const auto array = value.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); ++index) {
    Napi::HandleScope scope(value.Env());
    parts->emplace_back();
    if (!read_part(array.Get(index), &parts->back())) return false;
  }
  return true;
}

// What an external of DuckDB's package holds; null for anything else.
void* handle_of(const Napi::Value& value, const napi_type_tag& tag) {
  bool has_tag = false;
  void* data = nullptr;
  if (!value.IsExternal() || napi_check_object_type_tag(value.Env(), value, &tag, &has_tag) != napi_ok || !has_tag)
    return nullptr;
  return napi_get_value_external(value.Env(), value, &data) == napi_ok ? data : nullptr;
}

Napi::Value fail(Napi::Env env, const char* message) {
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return Napi::Value();
}

bool register_function(const DuckDbApi& api, DuckDbHandle connection, const std::string& name,
                       const std::shared_ptr<RowSource>& source) {
  DuckDbHandle function = api.create_table_function();
  DuckDbHandle varchar = api.create_logical_type(kDuckDbVarchar);
  api.table_function_set_name(function, name.c_str());
  api.table_function_add_parameter(function, varchar);
  api.destroy_logical_type(&varchar);
  using Shared = std::shared_ptr<RowSource>;
  api.table_function_set_extra_info(function, new Shared(source), delete_as<Shared>);
  api.table_function_set_bind(function, bind_rows);
  api.table_function_set_init(function, begin_rows);
  api.table_function_set_function(function, next_rows);
  const bool is_registered = api.register_table_function(connection, function) == 0;
  api.destroy_table_function(&function);
  return is_registered;
}

}  // namespace

Napi::Value register_rows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[1].IsString()) return fail(env, "registerRows(connection, name) was called wrongly.");
  auto* holder = static_cast<ConnectionHolder*>(handle_of(info[0], kConnectionTag));
  const DuckDbApi* api = duckdb_api();
  if (holder == nullptr || api == nullptr) return fail(env, "The native addon does not know this version of DuckDB.");
  const auto source = std::make_shared<RowSource>();
  if (!register_function(*api, holder->connection, info[1].As<Napi::String>().Utf8Value(), source))
    return fail(env, "DuckDB did not take the table function.");
  Napi::Object result = Napi::Object::New(env);
  result.Set("use", Napi::Function::New(env, [source](const Napi::CallbackInfo& call) -> Napi::Value {
               RowParts parts;
               if (!read_parts(call[0], &parts)) return fail(call.Env(), "use(parts) was called wrongly.");
               source->parts = std::move(parts);
               return call.Env().Undefined();
             }));
  return result;
}

Napi::Value fill_chunk(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* chunk = static_cast<DuckDbHandle>(handle_of(info[0], kDataChunkTag));
  const DuckDbApi* api = duckdb_api();
  RowPart part;
  if (chunk == nullptr || api == nullptr || !read_part(info[1], &part) || part.rows > api->vector_size() ||
      part.columns.size() > api->data_chunk_get_column_count(chunk))
    return fail(env, "fillChunk(chunk, part) was called wrongly.");
  copy_rows(*api, part, 0, part.rows, chunk);
  return env.Undefined();
}
