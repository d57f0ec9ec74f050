#include "digit_decoder.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "packed_values.h"

namespace {

// Reads one value from the number that its bytes are, to the element at `out`; false where the type has no such value.
// kNull stands for NULL. src/model/binary-values.ts has the formats.

constexpr int64_t kMicrosecondsPerDay = 86400000000;
// Days from 1970-01-01 to 2000-01-01.
constexpr int32_t kDaysTo2000 = 10957;

// DuckDB also has the largest number for infinity, but its negative for -infinity.
template <typename Value>
bool put_infinity(Value value, char* out) {
  const Value most = std::numeric_limits<Value>::max();
  if (value != most && value != std::numeric_limits<Value>::min()) return false;
  const Value infinity = value == most ? most : -most;
  std::memcpy(out, &infinity, sizeof infinity);
  return true;
}

template <typename Value, typename Unsigned, Unsigned null>
struct IntegerBytes {
  typedef Unsigned Bits;
  static constexpr Bits kNull = null;
  bool operator()(Bits bits, char* out) const {
    const Value value = static_cast<Value>(bits);
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

struct DateBytes {
  typedef uint32_t Bits;
  static constexpr Bits kNull = 0x80000001;
  bool operator()(Bits bits, char* out) const {
    int32_t value = static_cast<int32_t>(bits);
    if (put_infinity(value, out)) return true;
    if (value > std::numeric_limits<int32_t>::max() - kDaysTo2000) return false;
    value += kDaysTo2000;
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

struct TimestampBytes {
  typedef uint64_t Bits;
  static constexpr Bits kNull = 0x8000000000000001;
  // The last timestamp of PostgreSQL that fits: DuckDB counts from 1970, and the last whole year in 64 bits is then
  // 294246 (column-fit.ts).
  int64_t end = days_since_1970(294247, 1, 1) * kMicrosecondsPerDay - kDaysTo2000 * kMicrosecondsPerDay;
  bool operator()(Bits bits, char* out) const {
    int64_t value = static_cast<int64_t>(bits);
    if (put_infinity(value, out)) return true;
    if (value >= end) return false;
    value += kDaysTo2000 * kMicrosecondsPerDay;
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

template <typename Value, typename Unsigned, Unsigned null>
struct FloatBytes {
  typedef Unsigned Bits;
  static constexpr Bits kNull = null;
  bool operator()(Bits bits, char* out) const {
    Value value;
    std::memcpy(&value, &bits, sizeof value);
    // All NaNs become one, because they have one text.
    if (value != value) value = std::numeric_limits<Value>::quiet_NaN();
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

template <typename Reader>
Outcome decode_with(const Reader& read, bool nullable, size_t rows, const char* text, size_t length, char* arena,
                    size_t* used, DecodedColumn* out) {
  constexpr size_t width = sizeof(typename Reader::Bits);
  if (length != rows * width * 2) return Outcome::miscounted;
  const size_t validity = aligned(*used);
  const size_t values = aligned(validity + validity_bytes(rows));
  std::memset(arena + validity, 0, validity_bytes(rows));
  bool nulls = false;
  for (size_t row = 0; row < rows; ++row) {
    typename Reader::Bits bits;
    char* element = arena + values + row * width;
    if (!read_digits(text + row * width * 2, &bits)) return Outcome::miscounted;
    if (nullable && bits == Reader::kNull) {
      std::memset(element, 0, width);
      nulls = true;
      continue;
    }
    if (!read(bits, element)) return Outcome::unusual;
    arena[validity + row / 8] = static_cast<char>(arena[validity + row / 8] | 1 << row % 8);
  }
  out->values = values;
  out->validity = nulls ? validity : kNoNulls;
  *used = values + rows * width;
  return Outcome::done;
}

}  // namespace

Outcome decode_digits(const PackedColumn& column, size_t rows, const char* text, size_t length, char* arena,
                      size_t* used, DecodedColumn* out) {
  const auto as = [&](const auto& read) {
    return decode_with(read, column.nullable, rows, text, length, arena, used, out);
  };
  switch (column.kind) {
    case VectorKind::int16:
      return as(IntegerBytes<int16_t, uint16_t, 0x801d>());
    case VectorKind::int32:
      return as(IntegerBytes<int32_t, uint32_t, 0x80001d1d>());
    case VectorKind::int64:
      return as(IntegerBytes<int64_t, uint64_t, 0x8000000000001d1d>());
    case VectorKind::date:
      return as(DateBytes());
    case VectorKind::timestamp:
    case VectorKind::timestamptz:
      return as(TimestampBytes());
    case VectorKind::float32:
      return as(FloatBytes<float, uint32_t, 0xffc01d1d>());
    case VectorKind::float64:
      return as(FloatBytes<double, uint64_t, 0xfff8000000001d1d>());
    default:
      return Outcome::unusual;
  }
}
