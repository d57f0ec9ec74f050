#include "column_decoder.h"

#include <charconv>
#include <cstring>

#include "digit_decoder.h"
#include "packed_values.h"
#include "vector_layout.h"

namespace {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr size_t kTextElement = 16;
constexpr size_t kInlined = 12;

// Decodes one value from the text in [p, end) to the element at `out`; false where the text is unusual.

struct Boolean {
  static constexpr size_t kWidth = 1;
  bool operator()(const char* p, const char* end, char* out) const {
    const size_t length = static_cast<size_t>(end - p);
    const bool yes = (length == 1 && *p == 't') || (length == 4 && std::memcmp(p, "true", 4) == 0);
    const bool no = (length == 1 && *p == 'f') || (length == 5 && std::memcmp(p, "false", 5) == 0);
    *out = yes ? 1 : 0;
    return yes || no;
  }
};

template <typename Value>
struct Integer {
  static constexpr size_t kWidth = sizeof(Value);
  bool operator()(const char* p, const char* end, char* out) const {
    Value value;
    const auto result = std::from_chars(p, end, value);
    std::memcpy(out, &value, sizeof value);
    return result.ec == std::errc() && result.ptr == end;
  }
};

template <typename Value>
struct Float {
  static constexpr size_t kWidth = sizeof(Value);
  bool operator()(const char* p, const char* end, char* out) const {
#if defined(__cpp_lib_to_chars)
    // The words for NaN and the infinities are refused.
    const char* digits = p != end && *p == '-' ? p + 1 : p;
    if (digits == end || static_cast<unsigned char>(*digits - '0') > 9) return false;
    Value value;
    const auto result = std::from_chars(p, end, value);
    std::memcpy(out, &value, sizeof value);
    return result.ec == std::errc() && result.ptr == end;
#else
    // strtod would follow the locale, which the driver manager sets.
    (void)p;
    (void)end;
    (void)out;
    return false;
#endif
  }
};

// `Value` must hold 10^precision.
template <typename Value, typename Unsigned>
struct Decimal {
  static constexpr size_t kWidth = sizeof(Value);
  int scale;
  Unsigned limit;  // 10^precision

  Decimal(int precision, int scale_digits) : scale(scale_digits), limit(1) {
    for (int digit = 0; digit < precision; ++digit) limit *= 10;
  }

  bool operator()(const char* p, const char* end, char* out) const {
    const bool negative = p != end && *p == '-';
    if (negative) ++p;
    // The last value that can be multiplied by ten and stay in range.
    const Unsigned most = limit / 10;
    Unsigned value = 0;
    bool digits = false;
    int fraction = -1;  // digits after the point, once there was one
    for (; p != end; ++p) {
      if (*p == '.' && fraction < 0) {
        fraction = 0;
        continue;
      }
      const unsigned digit = static_cast<unsigned char>(*p) - '0';
      if (digit > 9 || value >= most || fraction == scale) return false;
      value = value * 10 + digit;
      digits = true;
      if (fraction >= 0) ++fraction;
    }
    if (!digits || fraction == 0) return false;
    for (int written = fraction < 0 ? 0 : fraction; written < scale; ++written) {
      if (value >= most) return false;
      value *= 10;
    }
    const Value result = negative ? static_cast<Value>(0 - value) : static_cast<Value>(value);
    std::memcpy(out, &result, sizeof result);
    return true;
  }
};

struct Date {
  static constexpr size_t kWidth = 4;
  bool operator()(const char* p, const char* end, char* out) const {
    int64_t days;
    if (end - p != 10 || !read_day(p, end, &days)) return false;
    const int32_t value = static_cast<int32_t>(days);
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

struct Timestamp {
  static constexpr size_t kWidth = 8;
  bool zoned;
  bool operator()(const char* p, const char* end, char* out) const {
    int64_t days;
    int64_t seconds;
    uint32_t nanos;
    if (!read_day(p, end, &days)) return false;
    p = read_time(p + 10, end, &seconds, &nanos);
    if (p == nullptr || nanos % 1000 != 0) return false;
    if (zoned ? end - p != 3 || std::memcmp(p, "+00", 3) != 0 : p != end) return false;
    const int64_t value = (days * 86400 + seconds) * 1000000 + nanos / 1000;
    std::memcpy(out, &value, sizeof value);
    return true;
  }
};

// Laid out as struct duckdb_string_t: the length, and the text itself or its beginning and its address.
void put_element(char* out, const char* p, size_t length) {
  const uint32_t size = static_cast<uint32_t>(length);
  std::memset(out, 0, kTextElement);
  std::memcpy(out, &size, sizeof size);
  if (length <= kInlined) {
    std::memcpy(out + 4, p, length);
    return;
  }
  std::memcpy(out + 4, p, 4);
  std::memcpy(out + 8, &p, sizeof p);
}

// Decodes bytea_output hex in place: the bytes take half the room of their digits.
struct Blob {
  static constexpr size_t kWidth = kTextElement;
  bool operator()(char* p, const char* end, char* out) const {
    if (end - p < 2 || (end - p) % 2 != 0 || p[0] != '\\' || p[1] != 'x') return false;
    char* bytes = p;
    char* at = p;
    for (p += 2; p != end; p += 2) {
      const int high = hex_digit(p[0]);
      const int low = hex_digit(p[1]);
      if (high < 0 || low < 0) return false;
      *at++ = static_cast<char>(high << 4 | low);
    }
    put_element(out, bytes, static_cast<size_t>(at - bytes));
    return true;
  }
};

// Undoes the escapes in place: ESC 0, ESC 1 and ESC 2 are ESC, the separator and the NULL marker.
struct Text {
  static constexpr size_t kWidth = kTextElement;
  bool escaped;
  bool operator()(char* p, const char* end, char* out) const {
    char* to = escaped ? static_cast<char*>(std::memchr(p, kEscape, static_cast<size_t>(end - p))) : nullptr;
    if (to == nullptr) {
      put_element(out, p, static_cast<size_t>(end - p));
      return true;
    }
    for (const char* from = to; from != end; ++from) {
      if (*from != kEscape) {
        *to++ = *from;
        continue;
      }
      if (++from == end || *from < '0' || *from > '2') return false;
      *to++ = *from == '0' ? kEscape : *from == '1' ? kSeparator : kNullMarker;
    }
    put_element(out, p, static_cast<size_t>(to - p));
    return true;
  }
};

// Decodes into the vector at `values`. A bit of `validity` is set where a row has a value.
template <typename Decoder>
Outcome decode_values(const Decoder& decode, char* text, char* rest, bool nullable, size_t rows, char* values,
                      char* validity, bool* nulls) {
  *nulls = false;
  char* p = text;
  for (size_t row = 0; row < rows; ++row) {
    const bool last = row + 1 == rows;
    char* separator =
        p == rest ? nullptr : static_cast<char*>(std::memchr(p, kSeparator, static_cast<size_t>(rest - p)));
    // The column must have exactly as many values as rows.
    if ((separator == nullptr) != last) return Outcome::miscounted;
    char* end = last ? rest : separator;
    char* out = values + row * Decoder::kWidth;
    if (nullable && end - p == 1 && *p == kNullMarker) {
      std::memset(out, 0, Decoder::kWidth);
      *nulls = true;
    } else {
      if (!decode(p, end, out)) return Outcome::unusual;
      validity[row / 8] = static_cast<char>(validity[row / 8] | 1 << row % 8);
    }
    p = last ? rest : end + 1;
  }
  return Outcome::done;
}

template <typename Decoder>
Outcome decode_as(const Decoder& decode, const PackedColumn& column, size_t rows, char* text, char* rest, char* arena,
                  size_t* used, DecodedColumn* out) {
  const size_t validity = aligned(*used);
  const size_t values = aligned(validity + validity_bytes(rows));
  std::memset(arena + validity, 0, validity_bytes(rows));
  bool nulls;
  const Outcome outcome =
      decode_values(decode, text, rest, column.nullable, rows, arena + values, arena + validity, &nulls);
  if (outcome != Outcome::done) return outcome;
  out->values = values;
  out->validity = nulls ? validity : kNoNulls;
  *used = values + rows * Decoder::kWidth;
  return outcome;
}

// For values that are copied from their text.
Outcome decode_fixed(const PackedColumn& column, size_t rows, char* text, char* rest, char* arena, size_t* used,
                     DecodedColumn* out) {
  const auto as = [&](const auto& decode) { return decode_as(decode, column, rows, text, rest, arena, used, out); };
  switch (column.kind) {
    case VectorKind::boolean:
      return as(Boolean());
    case VectorKind::int16:
      return as(Integer<int16_t>());
    case VectorKind::int32:
      return as(Integer<int32_t>());
    case VectorKind::int64:
      return as(Integer<int64_t>());
    case VectorKind::float32:
      return as(Float<float>());
    case VectorKind::float64:
      return as(Float<double>());
    case VectorKind::decimal16:
      return as(Decimal<int16_t, uint32_t>(column.precision, column.scale));
    case VectorKind::decimal32:
      return as(Decimal<int32_t, uint32_t>(column.precision, column.scale));
    case VectorKind::decimal64:
      return as(Decimal<int64_t, uint64_t>(column.precision, column.scale));
    case VectorKind::decimal128:
      return as(Decimal<int128, uint128>(column.precision, column.scale));
    case VectorKind::date:
      return as(Date());
    case VectorKind::timestamp:
      return as(Timestamp{false});
    case VectorKind::timestamptz:
      return as(Timestamp{true});
    case VectorKind::text:
    case VectorKind::blob:
    case VectorKind::count:
      break;
  }
  return Outcome::unusual;
}

// The column's text as UTF-8, and its end.
char* put_text(char* at, const PackedColumn& column) {
  if (column.ascii == nullptr) return put_utf8(at, column.text, column.length);
  std::memcpy(at, column.ascii, column.length);
  return at + column.length;
}

// For values that point to their bytes, which are in the arena before them.
template <typename Decoder>
Outcome decode_texts(const Decoder& decode, const PackedColumn& column, size_t rows, char* arena, size_t* used,
                     DecodedColumn* out) {
  char* text = arena + *used;
  char* rest = put_text(text, column);
  size_t after = static_cast<size_t>(rest - arena);
  const Outcome outcome = decode_as(decode, column, rows, text, rest, arena, &after, out);
  if (outcome == Outcome::done) *used = after;
  return outcome;
}

}  // namespace

size_t most_bytes(size_t rows, size_t length) {
  return length * 3 + validity_bytes(rows) + rows * kTextElement + 2 * kVectorAlignment;
}

bool decode_column(const PackedColumn& column, size_t rows, char* arena, size_t* used, std::string* scratch,
                   DecodedColumn* out) {
  Outcome outcome = Outcome::unusual;
  if (column.kind == VectorKind::blob && !column.digits) {
    outcome = decode_texts(Blob(), column, rows, arena, used, out);
  } else if (column.digits || (column.kind != VectorKind::text && !column.escaped)) {
    char* text = column.ascii;
    size_t length = column.length;
    if (text == nullptr) {
      scratch->clear();
      append_utf8(column.text, column.length, scratch);
      text = &(*scratch)[0];
      length = scratch->size();
    }
    outcome = column.digits ? decode_digits(column, rows, text, length, arena, used, out)
                            : decode_fixed(column, rows, text, text + length, arena, used, out);
  }
  out->form = outcome == Outcome::done ? Decoded::as_asked : column.digits ? Decoded::not_at_all : Decoded::as_texts;
  if (outcome == Outcome::done) return true;
  if (column.digits) return outcome == Outcome::unusual;
  // A wrong count ends here too: the text that is no number may be the separator itself.
  const Text decode{column.escaped};
  if (column.ascii == nullptr) return decode_texts(decode, column, rows, arena, used, out) == Outcome::done;
  return decode_as(decode, column, rows, column.ascii, column.ascii + column.length, arena, used, out) ==
         Outcome::done;
}
