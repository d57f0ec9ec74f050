{
  'targets': [
    {
      'target_name': 'process_stats',
      'sources': [
        'native/addon.cc',
        'native/column_decoder.cc',
        'native/decode_worker.cc',
        'native/digit_decoder.cc',
        'native/duckdb_api.cc',
        'native/packed_values.cc',
        'native/record_encoder.cc',
        'native/row_source.cc',
      ],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS'],
      'cflags': ['-Wall', '-Wextra'],
      'cflags_cc': ['-std=c++17', '-O3'],
      'xcode_settings': {
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
        'GCC_OPTIMIZATION_LEVEL': '3',
        'WARNING_CFLAGS': ['-Wall', '-Wextra'],
      },
      'conditions': [
        ['OS=="linux"', {
          'sources': ['native/process_stats_linux.cc', 'native/cgroup_linux.cc'],
        }, {
          'sources': ['native/process_stats_other.cc'],
        }],
      ],
    },
  ],
}
