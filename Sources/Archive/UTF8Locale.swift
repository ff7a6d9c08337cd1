import Glibc

/// Runs libarchive calls that turn names between UTF-8 and the locale's character set: in the C locale, the default of a
/// program, names that are not ASCII are lost. Only the calling thread's locale is set, and only meanwhile.
func inUTF8<Result>(_ body: () -> Result) -> Result {
    guard let locale = utf8Locale.locale else { return body() }
    let before = uselocale(locale)
    defer { uselocale(before) }
    return body()
}

private struct SharedLocale: @unchecked Sendable {
    /// Never freed and never changed: locale objects may be used by any number of threads (newlocale(3)).
    let locale: locale_t?
}

// LC_CTYPE_MASK, whose macro does not reach Swift: one bit for category 0.
private let utf8Locale = SharedLocale(locale: newlocale(1 << LC_CTYPE, "C.UTF-8", nil))
