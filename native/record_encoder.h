#ifndef PGSLUICE_RECORD_ENCODER_H_
#define PGSLUICE_RECORD_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Packed columns as UpdateResponse messages: what src/fivetran/record-encoder.ts does, for the values that nearly all
// batches consist of. A batch with anything unusual (a date that the wire cannot hold, an offset, a value that is not
// of its type) is refused as a whole. The caller then encodes the batch itself, and knows which error to report.

// In the order of KINDS in src/model/record-encoding.ts.
enum class ValueKind : int32_t { boolean, integer, float32, float64, timestamp, text, binary, count };

struct EncodedColumn {
  ValueKind kind;
  uint32_t field;       // number in ValueType
  uint64_t most;        // of integers
  std::string name;     // of the map entry: key field, and the tag of its value
  bool nullable;
  std::string text;     // packed, UTF-8
};

struct RecordBatch {
  size_t rows = 0;
  std::string beginning;  // of each record
  std::string constants;  // at the end of each record
  std::vector<EncodedColumn> columns;
};

struct MessageLimits {
  size_t records;
  size_t bytes;      // of a message with more than one record
  size_t row_bytes;  // what has more is refused
};

struct MessagePlace {
  uint32_t records;
  uint32_t start;
  uint32_t end;
};

// Allocated with malloc; the caller frees it.
struct EncodedMessages {
  uint8_t* bytes = nullptr;
  size_t size = 0;
  std::vector<MessagePlace> places;
};

// Returns false, with nothing to free, where the caller must encode the batch itself.
bool encode_records(const RecordBatch& batch, const MessageLimits& limits, EncodedMessages* out);

#endif  // PGSLUICE_RECORD_ENCODER_H_
