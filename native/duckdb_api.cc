#include "duckdb_api.h"

#include <dlfcn.h>

namespace {

#ifdef __APPLE__
constexpr char kLibrary[] = "libduckdb.dylib";
#else
constexpr char kLibrary[] = "libduckdb.so";
#endif

template <typename Function>
bool look_up(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

const DuckDbApi* load() {
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  static DuckDbApi api;
#define PGSLUICE_DUCKDB_LOOK_UP(result, name, parameters) \
  if (!look_up(library, "duckdb_" #name, &api.name)) return nullptr;
  PGSLUICE_DUCKDB_FUNCTIONS(PGSLUICE_DUCKDB_LOOK_UP)
#undef PGSLUICE_DUCKDB_LOOK_UP
  return &api;
}

}  // namespace

const DuckDbApi* duckdb_api() {
  static const DuckDbApi* api = nullptr;
  // The library may be loaded later than the addon.
  if (api == nullptr) api = load();
  return api;
}
