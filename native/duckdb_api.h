#ifndef PGSLUICE_DUCKDB_API_H_
#define PGSLUICE_DUCKDB_API_H_

#include <cstdint>

// The functions of DuckDB's C API (https://duckdb.org/docs/stable/clients/c/api) that the addon calls. They are looked up
// in the library that @duckdb/node-bindings has loaded: a library of our own would not know its connections.

using DuckDbHandle = struct DuckDbOpaque*;
using DuckDbDelete = void (*)(void*);
using DuckDbOnInfo = void (*)(DuckDbHandle info);
using DuckDbOnChunk = void (*)(DuckDbHandle info, DuckDbHandle chunk);

// Places of types in the C API's enum duckdb_type.
constexpr uint32_t kDuckDbVarchar = 17;
constexpr uint32_t kDuckDbDecimal = 19;

// Each line: what it returns, its name without the prefix duckdb_, what it takes.
#define PGSLUICE_DUCKDB_FUNCTIONS(F)                                                        \
  F(DuckDbHandle, create_table_function, ())                                                \
  F(void, destroy_table_function, (DuckDbHandle * function))                                \
  F(void, table_function_set_name, (DuckDbHandle function, const char* name))               \
  F(void, table_function_add_parameter, (DuckDbHandle function, DuckDbHandle type))         \
  F(void, table_function_set_extra_info, (DuckDbHandle function, void*, DuckDbDelete))      \
  F(void, table_function_set_bind, (DuckDbHandle function, DuckDbOnInfo))                   \
  F(void, table_function_set_init, (DuckDbHandle function, DuckDbOnInfo))                   \
  F(void, table_function_set_function, (DuckDbHandle function, DuckDbOnChunk))              \
  F(int, register_table_function, (DuckDbHandle connection, DuckDbHandle function))         \
  F(DuckDbHandle, bind_get_parameter, (DuckDbHandle info, uint64_t index))                  \
  F(void, bind_add_result_column, (DuckDbHandle info, const char* name, DuckDbHandle type)) \
  F(void, bind_set_bind_data, (DuckDbHandle info, void*, DuckDbDelete))                     \
  F(void, init_set_init_data, (DuckDbHandle info, void*, DuckDbDelete))                     \
  F(void, init_set_max_threads, (DuckDbHandle info, uint64_t threads))                      \
  F(void*, function_get_extra_info, (DuckDbHandle info))                                    \
  F(void*, function_get_bind_data, (DuckDbHandle info))                                     \
  F(void*, function_get_init_data, (DuckDbHandle info))                                     \
  F(void, function_set_error, (DuckDbHandle info, const char* error))                       \
  F(char*, get_varchar, (DuckDbHandle value))                                               \
  F(void, destroy_value, (DuckDbHandle * value))                                            \
  F(void, free, (void* memory))                                                             \
  F(DuckDbHandle, create_logical_type, (uint32_t type))                                     \
  F(DuckDbHandle, create_decimal_type, (uint8_t width, uint8_t scale))                      \
  F(void, logical_type_set_alias, (DuckDbHandle type, const char* alias))                   \
  F(void, destroy_logical_type, (DuckDbHandle * type))                                      \
  F(uint64_t, data_chunk_get_column_count, (DuckDbHandle chunk))                            \
  F(DuckDbHandle, data_chunk_get_vector, (DuckDbHandle chunk, uint64_t index))              \
  F(void, data_chunk_set_size, (DuckDbHandle chunk, uint64_t rows))                         \
  F(void*, vector_get_data, (DuckDbHandle vector))                                          \
  F(void, vector_ensure_validity_writable, (DuckDbHandle vector))                           \
  F(uint64_t*, vector_get_validity, (DuckDbHandle vector))                                  \
  F(uint64_t, vector_size, ())

struct DuckDbApi {
#define PGSLUICE_DUCKDB_POINTER(result, name, parameters) result(*name) parameters;
  PGSLUICE_DUCKDB_FUNCTIONS(PGSLUICE_DUCKDB_POINTER)
#undef PGSLUICE_DUCKDB_POINTER
};

// Null where the library is not loaded, or lacks one of the functions.
const DuckDbApi* duckdb_api();

#endif  // PGSLUICE_DUCKDB_API_H_
