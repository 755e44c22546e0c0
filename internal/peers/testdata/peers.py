"""What other people's packages say of sales.csv, as JSON of name to list of numbers.

    python3 -m venv v && v/bin/pip install -r requirements.txt
    v/bin/python peers.py sales.csv FOLDER >peers.json

The test of this package computes the same lists and compares them, value by value. FOLDER has
what crm/cube/star/parquet wrote of the same sales.
"""
import itertools, json, sys, warnings
import duckdb
import lifetimes as lt
import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.optimize import minimize
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.filterwarnings("ignore")
out = {}


def say(name, values):
    out[name] = [float(v) for v in values]


db = duckdb.connect()
db.execute(f"CREATE TABLE sales AS SELECT * FROM read_csv('{sys.argv[1]}')")


def ask(sql):
    return [v for row in db.execute(sql).fetchall() for v in row if v is not None and not isinstance(v, str)]


# The models: what each says of every customer with the same parameters, and what it is fitted to.
# Time is in weeks, the end is 2026-01-05, and what is bought on one day is one purchase.
s = db.execute("""WITH d AS (SELECT customer, CAST(time AS DATE) AS day, sum(amount) / 100 AS v, row_number() OVER (PARTITION BY customer ORDER BY CAST(time AS DATE)) AS n FROM sales GROUP BY 1, 2)
    SELECT customer, count(*) - 1 AS x, (max(day) - min(day)) / 7 AS u, (DATE '2026-01-05' - min(day)) / 7 AS t, coalesce(avg(v) FILTER (n > 1), 0) AS m FROM d GROUP BY 1 ORDER BY 1""").df()
x, u, t, m = (s[k].to_numpy(float) for k in "xutm")
say("duckdb/purchases", np.column_stack([x, u, t, m]).ravel())
models = {
    "bgnbd": (lt.BetaGeoFitter(), dict(r=0.8, alpha=5.5, a=0.9, b=2.5)),
    "mbgnbd": (lt.ModifiedBetaGeoFitter(), dict(r=0.8, alpha=5.5, a=0.9, b=2.5)),
    "paretonbd": (lt.ParetoNBDFitter(), dict(r=0.8, alpha=5.5, s=0.6, beta=12.0)),
}
for name, (f, at) in models.items():
    f.fit(x, u, t, tol=1e-9)
    at_maximum = f.params_.to_numpy()
    if name == "paretonbd":
        ll = f._conditional_log_likelihood(at_maximum, x, u, t).sum()
    else:
        ll = -f._negative_log_likelihood(np.log(at_maximum), x, u, t, np.ones(len(x)), 0) * len(x)
    say(f"lifetimes/{name}/fit", [*at_maximum, ll])
    f.params_ = pd.Series(at)
    say(f"lifetimes/{name}/alive", f.conditional_probability_alive(x, u, t))
    say(f"lifetimes/{name}/expect_after", f.conditional_expected_number_of_purchases_up_to_time(26, x, u, t))
    say(f"lifetimes/{name}/expect", [f.expected_number_of_purchases_up_to_time(w) for w in (1, 4, 13, 52)])
    if name == "bgnbd":
        say(f"lifetimes/{name}/probability", [f.probability_of_n_purchases_up_to_time(26, n) for n in range(9)])
g = lt.GammaGammaFitter().fit(x[x > 0], m[x > 0], tol=1e-6)
say("lifetimes/gammagamma/fit", [*g.params_.to_numpy(), -g._negative_log_likelihood(np.log(g.params_.to_numpy()), x[x > 0], m[x > 0], np.ones((x > 0).sum()), 0) * (x > 0).sum()])
g.params_ = pd.Series(dict(p=6.0, q=4.0, v=900.0))
say("lifetimes/gammagamma/expect", g.conditional_expected_average_profit(x, m))

# With a covariate, by their likelihoods of each half and SciPy's search: who has the app.
app = (s.customer % 3 == 0).to_numpy()


def pareto(v):
    r, alpha, gone, beta = np.exp(v[:4])
    return -sum(lt.ParetoNBDFitter._conditional_log_likelihood([r, alpha * np.exp(-v[4] * z), gone, beta * np.exp(-v[5] * z)], x[h], u[h], t[h]).sum() for z, h in ((0, ~app), (1, app)))


def beta_geometric(v):
    return sum(lt.BetaGeoFitter._negative_log_likelihood(v[:4] + np.array([0, -v[4] * z, v[5] * z, v[5] * z]), x[h], u[h], t[h], np.ones(h.sum()), 0) * h.sum() for z, h in ((0, ~app), (1, app)))


for name, f, start in (("paretonbd", pareto, models["paretonbd"][1]), ("bgnbd", beta_geometric, models["bgnbd"][1])):
    v = np.append(np.log(list(start.values())), [0, 0])
    for _ in range(2):
        v = minimize(f, v, method="BFGS", options={"gtol": 1e-6}).x
    say(f"lifetimes/{name}/covariate/fit", [*np.exp(v[:4]), *v[4:], -f(v)])

# Survival: from the first to the second day of purchase, of all and by thirds of the customers.
spans = db.execute("""WITH d AS (SELECT DISTINCT customer, CAST(time AS DATE) AS day FROM sales), n AS (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY day) AS n FROM d)
    SELECT customer, coalesce(min(day) FILTER (n = 2), DATE '2026-01-04') - min(day) AS length, count(*) > 1 AS over FROM n GROUP BY 1 ORDER BY 1""").df()
for name, rows in {"all": spans, "third": spans[spans.customer % 3 == 0]}.items():
    k = KaplanMeierFitter(alpha=0.05).fit(rows.length, rows.over)
    e = k.event_table[k.event_table.observed > 0]
    at = [v for v in e.index if v > 0]
    say(f"lifelines/{name}/curve", np.column_stack([e.loc[at, "observed"], e.loc[at, "at_risk"], k.survival_function_.loc[at], k.confidence_interval_.loc[at]]).ravel())
r = multivariate_logrank_test(spans.length, spans.customer % 3, spans.over)
say("lifelines/logrank/thirds", [r.test_statistic, r.p_value])
r = multivariate_logrank_test(spans.length, spans.customer % 3 == 0, spans.over)
say("lifelines/logrank/app", [r.test_statistic, r.p_value])

# Rules of two products, and their probabilities by chance, adjusted for all pairs.
baskets = db.execute("SELECT DISTINCT \"order\", product FROM sales").df()
table = pd.crosstab(baskets["order"], baskets["product"]).astype(bool)
pairs = association_rules(fpgrowth(table, min_support=1e-9, use_colnames=True, max_len=2), metric="support", min_threshold=0)
pairs = {(min(a), min(c)): (s, k, l, v) for a, c, s, k, l, v in zip(pairs.antecedents, pairs.consequents, pairs.support, pairs.confidence, pairs.lift, pairs.leverage)}
names = sorted(table.columns)
keys = [k for k in itertools.combinations(names, 2) if k in pairs]
say("mlxtend/rules", [v for k in keys for v in (*pairs[k], pairs[k[::-1]][1])])
p = [hypergeom.sf((table[a] & table[b]).sum() - 1, len(table), table[a].sum(), table[b].sum()) for a, b in keys]
say("scipy/fisher", p)
say("statsmodels/discoveries", multipletests(p, method="fdr_bh")[1])

# Months: who comes back, and between what bounds.
flow = db.execute("""WITH m AS (SELECT customer, date_trunc('month', time) AS month, count(DISTINCT "order") AS orders, sum(amount) AS v FROM sales GROUP BY ALL)
    SELECT count(*) AS active, count(b.customer) AS kept, sum(a.v) AS base, sum(b.v) AS next, sum(least(a.v, b.v)) FILTER (b.v IS NOT NULL) AS least FROM m a LEFT JOIN m b ON a.customer = b.customer AND b.month = a.month + INTERVAL 1 MONTH
    GROUP BY a.month HAVING a.month < DATE '2025-12-01' ORDER BY a.month""").df()
say("duckdb/flow", flow.to_numpy().ravel())
low, high = proportion_confint(flow.kept.to_numpy(), flow.active.to_numpy(), method="wilson")
say("statsmodels/retention", np.column_stack([low, high]).ravel())
say("duckdb/cohorts", ask("""WITH m AS (SELECT customer, date_trunc('month', time) AS month, count(DISTINCT "order") AS orders, sum(amount) AS v FROM sales GROUP BY ALL),
    f AS (SELECT *, min(month) OVER (PARTITION BY customer) AS first FROM m) SELECT count(*), sum(orders), sum(v) FROM f GROUP BY first, month ORDER BY first, month"""))

# The cube's questions, of the sales and of the star schema that was exported.
region = "CASE WHEN store IN ('s0', 's1') THEN 'west' ELSE 'east' END"
sums = "count(*), sum(amount), sum(pieces), count(DISTINCT customer), count(DISTINCT \"order\")"
cube = {
    "all": f"SELECT {sums} FROM sales",
    "month": f"SELECT strftime(time, '%Y-%m') AS month, {sums} FROM sales GROUP BY 1 ORDER BY 1",
    "store,product": f"SELECT store, product, {sums} FROM sales GROUP BY ALL ORDER BY 1, 2",
    "region,month of watches": f"SELECT {region} AS region, strftime(time, '%Y-%m') AS month, {sums} FROM sales WHERE product = 'watch' GROUP BY ALL ORDER BY 1, 2",
}
for name, sql in cube.items():
    say(f"duckdb/cube/{name}", ask(sql))
for table in ("facts", "store", "month", "product"):
    db.execute(f"CREATE VIEW {table} AS SELECT * FROM '{sys.argv[2]}/{table}.parquet'")
joined = "facts JOIN store USING (store_key) JOIN month USING (month_key) JOIN product USING (product_key)"
star = {
    "all": f"SELECT {sums} FROM facts",
    "month": f"SELECT month_begin, {sums} FROM {joined} GROUP BY 1 ORDER BY 1",
    "store,product": f"SELECT store, product, {sums} FROM {joined} GROUP BY ALL ORDER BY 1, 2",
    "region,month of watches": f"SELECT region, month, {sums} FROM {joined} WHERE product = 'watch' GROUP BY ALL ORDER BY 1, 2",
}
for name, sql in star.items():
    out[f"duckdb/star/{name}"] = [float(v) for v in ask(sql) if not hasattr(v, "year")]
about = db.execute(f"SELECT decode(value) FROM parquet_kv_metadata('{sys.argv[2]}/facts.parquet') WHERE decode(key) = 'vefa.table'").fetchone()[0]
about = json.loads(about)
assert about["definition"] == "peers 1" and any(c["name"] == "amount" and c["currency"] == "TRY" for c in about["columns"]), about
first = db.execute("SELECT typeof(month_begin), epoch(min(month_begin)) FROM month GROUP BY 1").fetchone()
assert first[0] == "TIMESTAMP WITH TIME ZONE", first
say("duckdb/star/first month", [first[1]])
json.dump(out, sys.stdout, indent=0)
