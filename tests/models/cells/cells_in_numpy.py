"""Every cell as its paper states it: one row, one step, plain NumPy.

Written from the papers, not from the models: what is known of these are the names and
shapes of parameters and the order of their columns. A step is `step(p, x, state)` with
`p` the parameters by name, x: [D], and a state of vectors, whose form is the cell's. In
comments, W x of a paper is x @ W here, as parameters are stored [inputs, outputs].
"""

import numpy as np

EPSILON = 1e-5  # added to LN's variance; the paper divides by σ alone


def sigma(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.where(z > 0, z, 0.0)


def columns(z, count):
    return np.split(z, count)


def under(p, prefix):
    """The parameters of the part of a model that is called `prefix`."""
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in p.items() if k.startswith(start)}


def identity(p, x, s):
    return x, ()


def dense(p, x, s):
    return np.tanh(x @ p["W"] + p["b"]), ()


def rnn(phi):
    def step(p, x, s):
        (h,) = s
        # Elman 1990, figure 2, as Le, Jaitly and Hinton 2015 run it (phi = relu):
        # h_t = φ(W x_t + U h_{t-1} + b)
        h = phi(x @ p["W"] + h @ p["U"] + p["b"])
        return h, (h,)

    return step


def carousel(p, x, s):
    h, c = s
    # Hochreiter and Schmidhuber 1997, section 4: net of in, out and the cell
    # net_in(t) = Σ_u w_in,u y^u(t-1), likewise net_out and net_c; y^u are x and h
    net_in, net_out, net_c = columns(x @ p["W"] + h @ p["U"] + p["b"], 3)
    # y^in(t) = f_in(net_in(t)), y^out(t) = f_out(net_out(t)), f = 1 / (1 + e^-x)
    y_in, y_out = sigma(net_in), sigma(net_out)
    # s_c(t) = s_c(t-1) + y^in(t) g(net_c(t)), with g = tanh here
    c = c + y_in * np.tanh(net_c)
    # y^c(t) = y^out(t) h(s_c(t)), with h = tanh here
    h = y_out * np.tanh(c)
    return h, (h, c)


def lstm(p, x, s):
    h, c = s
    net_in, net_phi, net_out, net_c = columns(x @ p["W"] + h @ p["U"] + p["b"], 4)
    # Gers, Schmidhuber and Cummins 2000, section 3: y^φ(t) = f_φ(Σ_m w_φm y^m(t-1))
    y_phi = sigma(net_phi)
    # ibid.: s_c(t) = y^φ(t) s_c(t-1) + y^in(t) g(net_c(t)), in place of factor 1
    c = y_phi * c + sigma(net_in) * np.tanh(net_c)
    # ibid., as 1997: y^c(t) = y^out(t) h(s_c(t)), with h = tanh here
    h = sigma(net_out) * np.tanh(c)
    return h, (h, c)


def peepholes(p, x, s):
    h, c = s
    in_i, in_f, in_o, in_c = columns(x @ p["W"] + h @ p["U"] + p["b"], 4)
    w_ci, w_cf, w_co = columns(p["p"], 3)  # diagonals, as said after (11)
    # Graves 2013 (7): i_t = σ(W_xi x_t + W_hi h_{t-1} + W_ci c_{t-1} + b_i)
    i = sigma(in_i + w_ci * c)
    # (8): f_t = σ(W_xf x_t + W_hf h_{t-1} + W_cf c_{t-1} + b_f)
    f = sigma(in_f + w_cf * c)
    # (9): c_t = f_t c_{t-1} + i_t tanh(W_xc x_t + W_hc h_{t-1} + b_c)
    c = f * c + i * np.tanh(in_c)
    # (10): o_t = σ(W_xo x_t + W_ho h_{t-1} + W_co c_t + b_o), c_t and not c_{t-1}
    o = sigma(in_o + w_co * c)
    # (11): h_t = o_t tanh(c_t)
    h = o * np.tanh(c)
    return h, (h, c)


def coupled(p, x, s):
    y, c = s
    # Greff et al. 2017, section II.A without peepholes:
    # z_t = g(W_z x_t + R_z y_{t-1} + b_z), i_t = σ(W_i x_t + R_i y_{t-1} + b_i), o_t
    in_i, in_o, in_z = columns(x @ p["W"] + y @ p["U"] + p["b"], 3)
    z, i, o = np.tanh(in_z), sigma(in_i), sigma(in_o)
    # section III, CIFG: f_t = 1 - i_t
    f = 1 - i
    # section II.A: c_t = z_t ⊙ i_t + c_{t-1} ⊙ f_t
    c = z * i + c * f
    # section II.A: y_t = h(c_t) ⊙ o_t
    y = np.tanh(c) * o
    return y, (y, c)


def projected(p, x, s):
    r, c = s
    in_i, in_f, in_o, in_c = columns(x @ p["W"] + r @ p["U"] + p["b"], 4)
    # Sak, Senior and Beaufays 2014, without the peepholes W_ic, W_fc, W_oc
    # (7): i_t = σ(W_ix x_t + W_ir r_{t-1} + b_i)
    i = sigma(in_i)
    # (8): f_t = σ(W_fx x_t + W_rf r_{t-1} + b_f)
    f = sigma(in_f)
    # (9): c_t = f_t ⊙ c_{t-1} + i_t ⊙ g(W_cx x_t + W_cr r_{t-1} + b_c)
    c = f * c + i * np.tanh(in_c)
    # (10): o_t = σ(W_ox x_t + W_or r_{t-1} + b_o)
    o = sigma(in_o)
    # (11): m_t = o_t ⊙ h(c_t)
    m = o * np.tanh(c)
    # (12): r_t = W_rm m_t
    r = m @ p["P"]
    return r, (r, c)


def multiplicative(p, x, s):
    h, c = s
    # Krause, Lu, Murray and Renals 2016 (18): m_t = (W_mx x_t) ⊙ (W_mh h_{t-1})
    m = (x @ p["W_m"]) * (h @ p["U_m"])
    # (19): ĥ_t = W_hx x_t + W_hm m_t, (20): i_t = σ(W_ix x_t + W_im m_t),
    # (21): o_t = σ(W_ox x_t + W_om m_t), (22): f_t = σ(W_fx x_t + W_fm m_t); plus b
    in_i, in_f, in_o, h_hat = columns(x @ p["W"] + m @ p["U"] + p["b"], 4)
    # c_t and h_t as in the LSTM: c_t = f_t ⊙ c_{t-1} + i_t ⊙ tanh(ĥ_t)
    c = sigma(in_f) * c + sigma(in_i) * np.tanh(h_hat)
    # h_t = tanh(c_t) ⊙ o_t
    h = np.tanh(c) * sigma(in_o)
    return h, (h, c)


def norm(p, z):
    # Ba, Kiros and Hinton 2016 (3): μ = Σ a_i / H, σ = √(Σ (a_i - μ)² / H)
    mu = sum(z) / len(z)
    variance = sum((z - mu) ** 2) / len(z)
    # supplement: LN(z; α, β) = (z - μ) / σ ⊙ α + β
    return (z - mu) / np.sqrt(variance + EPSILON) * p["alpha"] + p["beta"]


def layer_norm(p, x, s):
    h, c = s
    # Ba, Kiros and Hinton 2016, supplement, layer normalised LSTM, first line:
    # (f_t, i_t, o_t, g_t) = LN(W_h h_{t-1}; α_1, β_1) + LN(W_x x_t; α_2, β_2) + b
    from_h = norm(under(p, "norm_h"), h @ p["U"])
    from_x = norm(under(p, "norm_x"), x @ p["W"])
    i, f, o, g = columns(from_h + from_x + p["b"], 4)
    # second line: c_t = σ(f_t) ⊙ c_{t-1} + σ(i_t) ⊙ tanh(g_t)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    # third line: h_t = σ(o_t) ⊙ tanh(LN(c_t; α_3, β_3))
    h = sigma(o) * np.tanh(norm(under(p, "norm_c"), c))
    return h, (h, c)


def gru(p, x, s):
    (h,) = s
    x_r, x_z, x_h = columns(x @ p["W"] + p["b"], 3)
    h_r, h_z = columns(h @ p["U"], 2)
    # Cho et al. 2014 (5): r_j = σ([W_r x]_j + [U_r h_{t-1}]_j)
    r = sigma(x_r + h_r)
    # (6): z_j = σ([W_z x]_j + [U_z h_{t-1}]_j)
    z = sigma(x_z + h_z)
    # (8): h̃_j = φ([W x]_j + [U (r ⊙ h_{t-1})]_j)
    candidate = np.tanh(x_h + (r * h) @ p["U_h"])
    # (7): h_j = z_j h_j,t-1 + (1 - z_j) h̃_j
    h = z * h + (1 - z) * candidate
    return h, (h,)


def gru_after(p, x, s):
    (h,) = s
    x_r, x_z, x_h = columns(x @ p["W"] + p["b"], 3)
    h_r, h_z, h_h = columns(h @ p["U"], 3)
    # Cho et al. 2014 (5) and (6)
    r, z = sigma(x_r + h_r), sigma(x_z + h_z)
    # ibid., appendix A.1.1: h̃_j = tanh([W e(x_t)]_j + r_j [U h_{t-1}]_j); cuDNN's
    # new gate: h'_t = tanh(W_h x_t + r_t ∘ (R_h h_{t-1} + b_Rh) + b_Wh)
    candidate = np.tanh(x_h + r * (h_h + p["b_u"]))
    # Cho et al. 2014 (7)
    h = z * h + (1 - z) * candidate
    return h, (h,)


def mgu(p, x, s):
    (h,) = s
    (W_f, W_h), (b_f, b_h) = np.split(p["W"], 2, axis=1), columns(p["b"], 2)
    # Zhou, Wu, Zhang and Zhou 2016, the minimal gated unit, gate:
    # f_t = σ(W_f [h_{t-1}, x_t] + b_f)
    f = sigma(np.hstack([h, x]) @ np.vstack([p["U_f"], W_f]) + b_f)
    # candidate: h̃_t = tanh(W_h [f_t ⊙ h_{t-1}, x_t] + b_h)
    candidate = np.tanh(np.hstack([f * h, x]) @ np.vstack([p["U_h"], W_h]) + b_h)
    # state: h_t = (1 - f_t) ⊙ h_{t-1} + f_t ⊙ h̃_t
    h = (1 - f) * h + f * candidate
    return h, (h,)


def scrn(alpha):
    def step(p, x, state):
        h, s = state
        # Mikolov et al. 2015 (3): s_t = (1 - α) B x_t + α s_{t-1}
        s = (1 - alpha) * (x @ p["B"]) + alpha * s
        # (4): h_t = σ(P s_t + A x_t + R h_{t-1})
        h = sigma(s @ p["P"] + x @ p["A"] + h @ p["R"])
        # (5): y_t = f(U h_t + V s_t), of which the next layer has U and V
        return np.hstack([h, s]), (h, s)

    return step


def clockwork(periods):
    def step(p, x, s):
        h, t = s
        old = columns(h, len(periods))
        new = list(old)
        for i, period in enumerate(periods):
            # Koutník et al. 2014 (3) and (4): a block row of W_H and W_I counts
            # where t mod T_i = 0, else it is 0 and the module keeps its output;
            # W_H is block upper triangular: module i reads modules i, ..., g
            if t % period == 0:
                # (1): y_H(t) = f_H(W_H y_H(t-1) + W_I x(t)), f_H = tanh, plus b
                slower = np.hstack(old[i:])
                own = x @ p[f"W.{i}"] + slower @ p[f"U.{i}"] + p[f"b.{i}"]
                new[i] = np.tanh(own)
        h = np.hstack(new)
        return h, (h, t + 1)

    return step
