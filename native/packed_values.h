#ifndef PGSLUICE_PACKED_VALUES_H_
#define PGSLUICE_PACKED_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>

// The characters of the packing in src/model/packed-batch.ts, and the forms in which PostgreSQL writes values.

constexpr char kSeparator = 0x1f;
constexpr char kNullMarker = 0x1d;
constexpr char kEscape = 0x1b;

// -1 unless both are digits.
inline int two_digits(const char* p) {
  const unsigned tens = static_cast<unsigned char>(p[0]) - '0';
  const unsigned ones = static_cast<unsigned char>(p[1]) - '0';
  return tens <= 9 && ones <= 9 ? static_cast<int>(tens * 10 + ones) : -1;
}

inline bool is_day(int year, int month, int day) {
  if (month < 1 || month > 12 || day < 1) return false;
  if (month == 2) return day <= (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28);
  return day <= (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
}

// Years begin in March here, so that the leap day is the last (Howard Hinnant, chrono-compatible low-level date
// algorithms).
inline int64_t days_since_1970(int year, int month, int day) {
  const int shifted = month <= 2 ? year - 1 : year;
  const int era = shifted / 400;
  const int year_of_era = shifted - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return static_cast<int64_t>(era) * 146097 + day_of_era - 719468;
}

// The day of `2025-01-31` or `2025-01-31 10:00:00`, in days since 1970; only for the years 1 to 9999.
inline bool read_day(const char* p, const char* end, int64_t* days) {
  if (end - p < 10 || p[4] != '-' || p[7] != '-') return false;
  const int century = two_digits(p);
  const int year_of_century = two_digits(p + 2);
  if (century < 0 || year_of_century < 0) return false;
  const int year = century * 100 + year_of_century;
  const int month = two_digits(p + 5);
  const int day = two_digits(p + 8);
  if (year < 1 || !is_day(year, month, day)) return false;
  *days = days_since_1970(year, month, day);
  return true;
}

// Reads ` 10:00:00` or ` 10:00:00.123456`, with up to nine digits after the point. Returns where it ends, or null.
inline const char* read_time(const char* p, const char* end, int64_t* seconds, uint32_t* nanos) {
  if (end - p < 9 || p[0] != ' ' || p[3] != ':' || p[6] != ':') return nullptr;
  const int hours = two_digits(p + 1);
  const int minutes = two_digits(p + 4);
  const int whole_seconds = two_digits(p + 7);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || whole_seconds < 0 || whole_seconds > 59) return nullptr;
  *seconds = hours * 3600 + minutes * 60 + whole_seconds;
  *nanos = 0;
  p += 9;
  if (p == end || *p != '.') return p;
  ++p;
  for (uint32_t scale = 100000000; p != end; ++p, scale /= 10) {
    const unsigned digit = static_cast<unsigned char>(*p) - '0';
    if (digit > 9) break;
    if (scale == 0) return nullptr;
    *nanos += digit * scale;
  }
  return p;
}

struct HexDigits {
  int8_t values[256];
  constexpr HexDigits() : values() {
    for (int c = 0; c < 256; ++c) {
      const bool decimal = c >= '0' && c <= '9';
      const bool lower = c >= 'a' && c <= 'f';
      const bool upper = c >= 'A' && c <= 'F';
      values[c] = static_cast<int8_t>(decimal ? c - '0' : lower ? c - 'a' + 10 : upper ? c - 'A' + 10 : -1);
    }
  }
};
constexpr HexDigits kHexDigits;

// -1 where the character is no digit.
inline int hex_digit(char c) { return kHexDigits.values[static_cast<unsigned char>(c)]; }

// Reads a number of sizeof(Number) bytes from its digits in network order; false where a character is no digit.
template <typename Unsigned>
bool read_digits(const char* p, Unsigned* value) {
  int invalid = 0;
  Unsigned read = 0;
  for (size_t index = 0; index < 2 * sizeof(Unsigned); ++index) {
    const int digit = kHexDigits.values[static_cast<unsigned char>(p[index])];
    invalid |= digit;
    read = static_cast<Unsigned>(read << 4 | static_cast<Unsigned>(digit & 15));
  }
  *value = read;
  return invalid >= 0;
}

// Writes UTF-16 as UTF-8, at most three bytes a code unit, and returns its end. Half a surrogate pair becomes U+FFFD,
// as in Buffer.from(text, 'utf8').
char* put_utf8(char* at, const char16_t* text, size_t length);

void append_utf8(const char16_t* text, size_t length, std::string* out);

#endif  // PGSLUICE_PACKED_VALUES_H_
