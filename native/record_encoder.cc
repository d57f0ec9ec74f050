#include "record_encoder.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "packed_values.h"

namespace {

constexpr uint8_t kRecordsOperation = 0x32;  // field 6 of UpdateResponse
constexpr uint8_t kRecord = 0x0a;            // field 1 of Records
constexpr uint8_t kMapEntry = 0x22;          // field 4 of Record

constexpr int kVarint = 0;
constexpr int kFixed64 = 1;
constexpr int kBytes = 2;
constexpr int kFixed32 = 5;

// Room in a message for its tag and the length of its records.
constexpr size_t kMostHeader = 6;
// Room in an entry beyond its name and text: tags, lengths, and the largest value that is not text.
constexpr size_t kEntryOverhead = 40;
// Offsets have 32 bits. Pages that are never written to cost nothing.
constexpr size_t kMostOutput = 256u << 20;

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value > 127; value >>= 7) ++size;
  return size;
}

uint8_t* put_varint(uint8_t* at, uint64_t value) {
  for (; value > 127; value >>= 7) *at++ = static_cast<uint8_t>(value) | 0x80;
  *at++ = static_cast<uint8_t>(value);
  return at;
}

uint8_t* put(uint8_t* at, const std::string& bytes) {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// Writes everything of an entry before a value of `size` bytes, which begins with its tag.
uint8_t* begin_entry(uint8_t* at, const EncodedColumn& column, size_t size) {
  *at++ = kMapEntry;
  at = put_varint(at, column.name.size() + varint_size(size) + size);
  at = put(at, column.name);
  return put_varint(at, size);
}

uint8_t tag(const EncodedColumn& column, int wire_type) {
  return static_cast<uint8_t>((column.field << 3) | static_cast<uint32_t>(wire_type));
}

// Writes little-endian on any machine.
template <typename Unsigned, typename Value>
uint8_t* put_fixed(uint8_t* at, Value value) {
  static_assert(sizeof(Unsigned) == sizeof(Value));
  Unsigned bits;
  std::memcpy(&bits, &value, sizeof bits);
  for (size_t byte = 0; byte < sizeof bits; ++byte) *at++ = static_cast<uint8_t>(bits >> (8 * byte));
  return at;
}

// Writes one value from the text in [p, end) as a whole map entry at `at`; null where the text is unusual.

uint8_t* put_boolean(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  if (p == end || (*p != 't' && *p != 'f')) return nullptr;
  at = begin_entry(at, column, 2);
  *at++ = tag(column, kVarint);
  *at++ = *p == 't' ? 1 : 0;
  return at;
}

uint8_t* put_integer(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  const bool negative = p != end && *p == '-';
  if (negative) ++p;
  // Nineteen digits always fit into 64 bits.
  if (p == end || end - p > 19) return nullptr;
  uint64_t value = 0;
  for (; p != end; ++p) {
    const unsigned digit = static_cast<unsigned char>(*p) - '0';
    if (digit > 9) return nullptr;
    value = value * 10 + digit;
  }
  if (value > column.most + (negative ? 1 : 0)) return nullptr;
  if (negative) value = 0 - value;
  at = begin_entry(at, column, 1 + varint_size(value));
  *at++ = tag(column, kVarint);
  return put_varint(at, value);
}

bool read_double(const char* p, const char* end, double* value) {
#if defined(__cpp_lib_to_chars)
  const char* digits = p != end && *p == '-' ? p + 1 : p;
  if (digits == end) return false;
  if (*digits >= '0' && *digits <= '9') {
    const auto result = std::from_chars(p, end, *value);
    return result.ec == std::errc() && result.ptr == end;
  }
  const std::string word(digits, end);
  if (word == "Infinity") {
    *value = digits == p ? INFINITY : -INFINITY;
    return true;
  }
  // The NaN that JavaScript writes.
  const uint64_t nan_bits = 0x7ff8000000000000;
  std::memcpy(value, &nan_bits, sizeof *value);
  return word == "NaN" && digits == p;
#else
  // strtod would follow the locale, which the driver manager sets.
  (void)p;
  (void)end;
  (void)value;
  return false;
#endif
}

uint8_t* put_double(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  double value;
  if (!read_double(p, end, &value)) return nullptr;
  at = begin_entry(at, column, 9);
  *at++ = tag(column, kFixed64);
  return put_fixed<uint64_t>(at, value);
}

uint8_t* put_float(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  double value;
  if (!read_double(p, end, &value)) return nullptr;
  at = begin_entry(at, column, 5);
  *at++ = tag(column, kFixed32);
  return put_fixed<uint32_t>(at, static_cast<float>(value));
}

// Reads `2025-01-31`, `2025-01-31 10:00:00.123456` or the latter with `+00`, for the years 1 to 9999.
uint8_t* put_timestamp(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  int64_t days;
  if (!read_day(p, end, &days)) return nullptr;
  int64_t seconds = 0;
  uint32_t nanos = 0;
  p += 10;
  if (p != end) {
    p = read_time(p, end, &seconds, &nanos);
    if (p == nullptr || (p != end && !(end - p == 3 && std::memcmp(p, "+00", 3) == 0))) return nullptr;
  }
  seconds += days * 86400;
  const uint64_t bits = static_cast<uint64_t>(seconds);
  const size_t size = (seconds == 0 ? 0 : 1 + varint_size(bits)) + (nanos == 0 ? 0 : 1 + varint_size(nanos));
  at = begin_entry(at, column, 2 + size);
  *at++ = tag(column, kBytes);
  *at++ = static_cast<uint8_t>(size);
  if (seconds != 0) {
    *at++ = 0x08;
    at = put_varint(at, bits);
  }
  if (nanos != 0) {
    *at++ = 0x10;
    at = put_varint(at, nanos);
  }
  return at;
}

uint8_t* put_text(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  const size_t size = static_cast<size_t>(end - p);
  at = begin_entry(at, column, 1 + varint_size(size) + size);
  *at++ = tag(column, kBytes);
  at = put_varint(at, size);
  std::memcpy(at, p, size);
  return at + size;
}

// bytea_output hex: \x, then two digits a byte.
uint8_t* put_binary(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  if (end - p < 2 || (end - p) % 2 != 0 || p[0] != '\\' || p[1] != 'x') return nullptr;
  const size_t size = static_cast<size_t>(end - p - 2) / 2;
  at = begin_entry(at, column, 1 + varint_size(size) + size);
  *at++ = tag(column, kBytes);
  at = put_varint(at, size);
  for (p += 2; p != end; p += 2) {
    const int high = hex_digit(p[0]);
    const int low = hex_digit(p[1]);
    if (high < 0 || low < 0) return nullptr;
    *at++ = static_cast<uint8_t>(high << 4 | low);
  }
  return at;
}

uint8_t* put_null(uint8_t* at, const EncodedColumn& column) {
  at = begin_entry(at, column, 2);
  *at++ = 0x08;  // field 1 of ValueType
  *at++ = 1;
  return at;
}

uint8_t* put_value(uint8_t* at, const EncodedColumn& column, const char* p, const char* end) {
  switch (column.kind) {
    case ValueKind::boolean:
      return put_boolean(at, column, p, end);
    case ValueKind::integer:
      return put_integer(at, column, p, end);
    case ValueKind::float32:
      return put_float(at, column, p, end);
    case ValueKind::float64:
      return put_double(at, column, p, end);
    case ValueKind::timestamp:
      return put_timestamp(at, column, p, end);
    case ValueKind::text:
      return put_text(at, column, p, end);
    case ValueKind::binary:
      return put_binary(at, column, p, end);
    case ValueKind::count:
      break;
  }
  return nullptr;
}

// Writes the length of what was written since `from` in front of it, where two bytes were left for it.
uint8_t* close_record(uint8_t* from, uint8_t* at) {
  const size_t size = static_cast<size_t>(at - from);
  const size_t wanted = varint_size(size);
  if (wanted != 2) std::memmove(from - 2 + wanted, from, size);
  put_varint(from - 2, size);
  return from - 2 + wanted + size;
}

// No text is longer on the wire than here, and bytea is half as long.
size_t most_output(const RecordBatch& batch) {
  size_t row = 8 + kMostHeader + batch.beginning.size() + batch.constants.size();
  size_t texts = 0;
  for (const EncodedColumn& column : batch.columns) {
    row += column.name.size() + kEntryOverhead;
    texts += column.text.size();
  }
  return row > kMostOutput / (batch.rows + 1) ? kMostOutput + 1 : row * (batch.rows + 1) + texts;
}

class Encoding {
 public:
  Encoding(const RecordBatch& batch, const MessageLimits& limits, EncodedMessages* out)
      : batch_(batch), limits_(limits), out_(out) {
    for (const EncodedColumn& column : batch.columns) cursors_.push_back(column.text.data());
  }

  // Never writes beyond `most_output`, for which `bytes` has room.
  bool run(uint8_t* bytes) {
    uint8_t* at = bytes + kMostHeader;
    uint8_t* records_start = at;
    size_t records = 0;
    for (size_t row = 0; row < batch_.rows; ++row) {
      uint8_t* before = at;
      at = encode_row(at, row + 1 == batch_.rows);
      if (at == nullptr) return false;
      ++records;
      if (records > 1 && static_cast<size_t>(at - records_start) > limits_.bytes) {
        close_message(bytes, records_start, before, records - 1);
        std::memmove(before + kMostHeader, before, static_cast<size_t>(at - before));
        records_start = before + kMostHeader;
        at += kMostHeader;
        records = 1;
      }
      if (records == limits_.records || static_cast<size_t>(at - records_start) > limits_.bytes) {
        close_message(bytes, records_start, at, records);
        at += kMostHeader;
        records_start = at;
        records = 0;
      }
    }
    if (records > 0) close_message(bytes, records_start, at, records);
    out_->size = static_cast<size_t>(at - bytes);
    return true;
  }

 private:
  uint8_t* encode_row(uint8_t* at, bool last) {
    *at++ = kRecord;
    at += 2;
    uint8_t* from = at;
    at = put(at, batch_.beginning);
    for (size_t index = 0; index < batch_.columns.size(); ++index) {
      const EncodedColumn& column = batch_.columns[index];
      const char* p = cursors_[index];
      const char* rest = column.text.data() + column.text.size();
      const char* separator =
          p == rest ? nullptr
                    : static_cast<const char*>(std::memchr(p, kSeparator, static_cast<size_t>(rest - p)));
      // The column must have exactly as many values as rows.
      if ((separator == nullptr) != last) return nullptr;
      const char* end = separator == nullptr ? rest : separator;
      if (column.nullable && end - p == 1 && *p == kNullMarker) at = put_null(at, column);
      else at = put_value(at, column, p, end);
      if (at == nullptr) return nullptr;
      cursors_[index] = last ? rest : end + 1;
    }
    at = put(at, batch_.constants);
    return static_cast<size_t>(at - from) > limits_.row_bytes ? nullptr : close_record(from, at);
  }

  // The header goes right before the records, where room was left for the longest one.
  void close_message(uint8_t* bytes, uint8_t* records_start, uint8_t* end, size_t records) {
    const size_t size = static_cast<size_t>(end - records_start);
    uint8_t* start = records_start - 1 - varint_size(size);
    *start = kRecordsOperation;
    put_varint(start + 1, size);
    out_->places.push_back({static_cast<uint32_t>(records), static_cast<uint32_t>(start - bytes),
                            static_cast<uint32_t>(end - bytes)});
  }

  const RecordBatch& batch_;
  const MessageLimits limits_;
  EncodedMessages* out_;
  std::vector<const char*> cursors_;
};

}  // namespace

bool encode_records(const RecordBatch& batch, const MessageLimits& limits, EncodedMessages* out) {
  const size_t most = most_output(batch);
  if (batch.rows == 0 || most > kMostOutput) return false;
  uint8_t* bytes = static_cast<uint8_t*>(std::malloc(most));
  if (bytes == nullptr) return false;
  if (!Encoding(batch, limits, out).run(bytes)) {
    std::free(bytes);
    return false;
  }
  // The room was estimated for the worst case; messages that wait for a slow client should hold no more than they need.
  uint8_t* shrunk = static_cast<uint8_t*>(std::realloc(bytes, out->size));
  out->bytes = shrunk == nullptr ? bytes : shrunk;
  return true;
}
