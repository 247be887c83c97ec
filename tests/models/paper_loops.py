"""The papers' equations as plain loops over one example, without a graph.

Each function is one equation or one numbered group of them; above each line stands
the equation that it computes, in the paper's symbols. A memory is the list of an
example's real vectors, so that here nothing is masked. Parameters are given by name:
`p["W"]`; `below(p, "cell")` are those of a part. Vectors are rows: W x is x @ W.
"""

import numpy as np


def below(p, path):
    """The parameters under a path, by what follows it."""
    return {
        name.removeprefix(path + "."): value
        for name, value in p.items()
        if name.startswith(path + ".")
    }


def join(*vectors):
    return np.concatenate(vectors)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(scores):
    """exp(e_j) / Σ_k exp(e_k); of nothing it is nothing."""
    e = np.array(scores, float)
    return np.exp(e - e.max()) / np.exp(e - e.max()).sum() if len(e) else e


def mean_of(weights, vectors, width):
    """Σ_j α_j h_j, which is 0 where there is no j."""
    total = np.zeros(width)
    for weight, vector in zip(weights, vectors, strict=True):
        total = total + weight * vector
    return total


# -- cells: (p, x, state) → state, whose first part is what is shown --------------


def gru(p, x, state):
    """Cho et al. 2014, with biases."""
    (h,) = state
    W_r, W_z, W = np.split(p["W"], 3, axis=1)
    U_r, U_z = np.split(p["U"], 2, axis=1)
    b_r, b_z, b = np.split(p["b"], 3)
    # (5): r_j = σ([W_r x]_j + [U_r h_{t-1}]_j)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    # (6): z_j = σ([W_z x]_j + [U_z h_{t-1}]_j)
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    # (8): h̃_j = φ([W x]_j + [U (r ⊙ h_{t-1})]_j)
    new = np.tanh(x @ W + (r * h) @ p["U_h"] + b)
    # (7): h_j = z_j h_j^{t-1} + (1 - z_j) h̃_j
    return (z * h + (1 - z) * new,)


def lstm(p, x, state):
    """Cheng, Dong and Lapata 2016, section 3.1: the LSTM that they begin with."""
    h, c = state
    # (1): [i f o ĉ] = [σ σ σ tanh] W · [h_{t-1}, x_t]
    i, f, o, new = np.split(x @ p["W"] + h @ p["U"] + p["b"], 4)
    # (2): c_t = f_t ⊙ c_{t-1} + i_t ⊙ ĉ_t
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(new)
    # (3): h_t = o_t ⊙ tanh(c_t)
    return sigmoid(o) * np.tanh(c), c


# -- scores: (p, query, key) → a number -------------------------------------------


def additive(p, s, h):
    # Bahdanau et al. 2015, A.1.2: a(s_{i-1}, h_j) = v_aᵀ tanh(W_a s_{i-1} + U_a h_j)
    return p["v"] @ np.tanh(s @ p["W"] + h @ p["U"])


def dot(p, h, source):
    # Luong et al. 2015, 3.1: score(h_t, h̄_s) = h_tᵀ h̄_s
    return h @ source


def general(p, h, source):
    # Luong et al. 2015, 3.1: score(h_t, h̄_s) = h_tᵀ W_a h̄_s
    return h @ p["W"] @ source


def concat(p, h, source):
    # Luong et al. 2015, 3.1: score(h_t, h̄_s) = v_aᵀ tanh(W_a [h_t; h̄_s])
    return p["v"] @ np.tanh(join(h, source) @ p["W"])


def scaled(p, q, k):
    # Vaswani et al. 2017, (1): Q Kᵀ / √d_k, here of one query and one key
    return q @ k / np.sqrt(len(k))


def scaled_general(p, h, source):
    # The product above under Vaswani et al.'s scale, where d_k is the key's width
    return scaled(p, h @ p["W"], source)


# -- looks: (p, query, memory, width, t) → (context, weights) ---------------------


def soft(score):
    def look(p, s, memory, width, t):
        # Bahdanau et al. 2015, below (6): e_ij = a(s_{i-1}, h_j)
        e = [score(below(p, "score"), s, h) for h in memory]
        # (6): α_ij = exp(e_ij) / Σ_k exp(e_ik)
        alpha = softmax(e)
        # (5): c_i = Σ_j α_ij h_j
        return mean_of(alpha, memory, width), alpha

    return look


def hard(score, places=None):
    """Looks at given places, one for each step, or at the likeliest."""

    def look(p, s, memory, width, t):
        # Xu et al. 2015, (4) and (5): α_ti = exp(e_ti) / Σ_k exp(e_tk)
        alpha = softmax([score(below(p, "score"), s, a) for a in memory])
        if not memory:
            return np.zeros(width), alpha
        # (8): p(s_ti = 1 | s_<t, a) = α_ti
        place = alpha.argmax() if places is None else places[t]
        # (9): ẑ_t = Σ_i s_ti a_i
        return memory[place], alpha

    return look


def _window(p, score, h, memory, place, D):
    """Which s are in [p_t - D, p_t + D], and (7) over these: align(h_t, h̄_s)."""
    near = [s for s in range(len(memory)) if place - D <= s <= place + D]
    # Luong et al. 2015, (7): align = exp(score(h_t, h̄_s)) / Σ_s' exp(score(h_t, h̄_s'))
    return near, softmax([score(below(p, "score"), h, memory[s]) for s in near])


def monotonic(score, D):
    def look(p, h, memory, width, t):
        # Luong et al. 2015, 3.2, local-m: p_t = t
        near, align = _window(p, score, h, memory, t, D)
        a = np.zeros(len(memory))
        a[near] = align
        return mean_of(a, memory, width), a

    return look


def predictive(score, D):
    def look(p, h, memory, width, t):
        # Luong et al. 2015, (9): p_t = S · sigmoid(v_pᵀ tanh(W_p h_t))
        place = len(memory) * sigmoid(p["v"] @ np.tanh(h @ p["W"]))
        near, align = _window(p, score, h, memory, place, D)
        a = np.zeros(len(memory))
        for s, weight in zip(near, align, strict=True):
            # (10): a_t(s) = align(h_t, h̄_s) exp(-(s - p_t)² / 2σ²), with σ = D / 2
            a[s] = weight * np.exp(-((s - place) ** 2) / (2 * (D / 2) ** 2))
        return mean_of(a, memory, width), a

    return look


# -- decoders: outputs, weights of each step, last state, last look ---------------


def bahdanau(p, cell, look, ys, memory, width, state):
    """Bahdanau et al. 2015, section 3.1, one target."""
    outputs, weights, c = [], [], np.zeros(width)
    for t, y in enumerate(ys):
        # (5): c_i = Σ_j α_ij h_j, from the query s_{i-1}
        c, alpha = look(below(p, "attention"), state[0], memory, width, t)
        # below (4): s_i = f(s_{i-1}, y_{i-1}, c_i)
        state = cell(below(p, "cell"), join(y, c), state)
        # (4): p(y_i | y_<i, x) = g(y_{i-1}, s_i, c_i), which reads s_i and c_i here
        outputs.append(join(state[0], c))
        weights.append(alpha)
    return outputs, weights, state, c


def luong(p, cell, look, ys, memory, width, state, feeding=True):
    """Luong et al. 2015, sections 3 and 3.3, one target."""
    outputs, weights, attentional = [], [], np.zeros(p["W"].shape[1])
    for t, y in enumerate(ys):
        # 3.3: the attentional vectors h̃_t are fed as inputs to the next time steps
        x = join(y, attentional) if feeding else y
        # (3): h_j = f(h_{j-1}, s)
        state = cell(below(p, "cell"), x, state)
        # 3.1: c_t is the weighted average over the source states, from the query h_t
        c, a = look(below(p, "attention"), state[0], memory, width, t)
        # (5): h̃_t = tanh(W_c [c_t; h_t])
        attentional = np.tanh(join(c, state[0]) @ p["W"])
        outputs.append(attentional)
        weights.append(a)
    return outputs, weights, state, attentional


# -- the LSTMN ---------------------------------------------------------------------


def intra(p, x, before, hidden, memory):
    """h̃_t, c̃_t and s: Cheng, Dong and Lapata 2016, equations 4 to 6."""
    # (4): a_i = vᵀ tanh(W_h h_i + W_x x_t + W_h̃ h̃_{t-1}), of all earlier i
    a = [
        p["v"] @ np.tanh(h @ p["W_h"] + x @ p["W_x"] + before @ p["W_a"])
        for h in hidden
    ]
    # (5): s_i = softmax(a_i)
    s = softmax(a)
    # (6): [h̃_t; c̃_t] = Σ_i s_i [h_i; c_i]
    width = len(before)
    return mean_of(s, hidden, width), mean_of(s, memory, width), s


def first_tapes(p):
    """(h, h̃, the hidden tape, the memory tape, s), beginning with h_0 = c_0 = 0."""
    zero = np.zeros(p["U"].shape[0])
    return zero, zero, [zero], [zero], np.zeros(0)


def lstmn(p, x, state, fused=0.0):
    """A cell; `fused` is r_t ⊙ α̃_t in deep fusion."""
    _, before, hidden, memory, _ = state
    before, kept, s = intra(p, x, before, hidden, memory)
    # (7): [i f o ĉ] = [σ σ σ tanh] W · [h̃_t, x_t], here with a bias
    i, f, o, new = np.split(x @ p["W"] + before @ p["U"] + p["b"], 4)
    # (8): c_t = f_t ⊙ c̃_t + i_t ⊙ ĉ_t; (14) adds r_t ⊙ α̃_t in front
    c = fused + sigmoid(f) * kept + sigmoid(i) * np.tanh(new)
    # (9), (15): h_t = o_t ⊙ tanh(c_t)
    h = sigmoid(o) * np.tanh(c)
    return h, before, [*hidden, h], [*memory, c], s


def inter(p, x, before, source):
    """γ̃_t, r_t ⊙ α̃_t and p over the encoder's tapes [γ_j; α_j]: equations 10 to 13."""
    H = p["W_g"].shape[0]
    gammas, alphas = [v[:H] for v in source], [v[H:] for v in source]
    # (10): b_j = uᵀ tanh(W_γ γ_j + W_x x_t + W_γ̃ γ̃_{t-1})
    b = [
        p["u"] @ np.tanh(g @ p["W_g"] + x @ p["W_x"] + before @ p["W_a"])
        for g in gammas
    ]
    # (11): p_j = softmax(b_j)
    weights = softmax(b)
    # (12): [γ̃_t; α̃_t] = Σ_j p_j [γ_j; α_j]
    seen, theirs = mean_of(weights, gammas, H), mean_of(weights, alphas, H)
    # (13): r_t = σ(W_r · [γ̃_t, x_t])
    r = sigmoid(join(seen, x) @ p["W_r"])
    return seen, r * theirs, weights


def deep_fusion(p, xs, source):
    """Outputs, weights over the source and over the tapes by step; tapes, γ̃ at last."""
    inside = below(p, "lstmn")
    state, seen = first_tapes(inside), np.zeros(inside["U"].shape[0])
    outputs, weights = [], []
    for x in xs:
        seen, fused, over = inter(p, x, seen, source)
        state = lstmn(inside, x, state, fused)
        outputs.append(state[0])
        weights.append(over)
    return outputs, weights, state, seen
