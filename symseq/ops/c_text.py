"""C++ functions that rows of the elementwise table use beside those of <cmath>."""

# Templates, so that one text serves every dtype on a GPU and in the CPU shim.
C_FUNCTIONS = """\
template <class T> T sgn(T x) { return x > 0 ? T(1) : (x < 0 ? T(-1) : x); }
template <class T> T bit_not(T x) { return ~x; }
template <> bool bit_not(bool x) { return !x; }
template <class T> T clip_to(T x, T low, T high) {
    T y = x > low || x != x ? x : low;
    return y < high || y != y ? y : high;
}
template <class T> T floor_mod(T a, T b) {
    if (b == 0) return 0;
    T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <class T> T floor_div(T a, T b) {
    return b == 0 ? 0 : (a - floor_mod(a, b)) / b;
}
#define FLOAT_DIVISION(T)                                                     \\
    template <> T floor_mod(T a, T b) {                                       \\
        T r = fmod(a, b);                                                     \\
        return r != 0 ? ((r < 0) != (b < 0) ? r + b : r) : copysign(T(0), b); \\
    }                                                                         \\
    template <> T floor_div(T a, T b) {                                       \\
        if (b == 0) return a / b;                                             \\
        T r = fmod(a, b), q = (a - r) / b;                                    \\
        if (r != 0 && (r < 0) != (b < 0)) q -= 1;                             \\
        T n = floor(q);                                                       \\
        return q != 0 ? (q - n > T(0.5) ? n + 1 : n) : copysign(T(0), a / b); \\
    }
FLOAT_DIVISION(float)
FLOAT_DIVISION(double)
template <class T> T power(T a, T b) {
    if (b < 0) return a == 1 ? 1 : (a == T(-1) ? (b % 2 ? T(-1) : T(1)) : T(0));
    T y = 1;
    for (; b; b /= 2, a *= a) if (b % 2) y *= a;
    return y;
}
template <> float power(float a, float b) { return pow(a, b); }
template <> double power(double a, double b) { return pow(a, b); }
"""
