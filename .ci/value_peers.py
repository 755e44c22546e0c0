#!/usr/bin/env python3
"""crm/value, crm/cohort, crm/cube beside their peers, in the same minute on the same machine.

    python3 -m pip install lifetimes==0.11.3 duckdb pandas numpy
    python3 .ci/value_peers.py

Fits the customers of CDNOW with lifetimes and asks DuckDB about ten million rows like those of
crm/cube's benchmark and about UCI's lines 25 times over, then runs the benchmarks of this project.
Prints a table with the ratio of the times: machines are noisy, ratios less so.
"""
import gzip, os, re, subprocess, sys, time, warnings
from pathlib import Path

root = Path(__file__).resolve().parent.parent
data = Path(os.environ.get("VEFA_DATA", root.parent / "shared" / "data")) / "retail"
warnings.filterwarnings("ignore")


def best(f, times=5):
    least = float("inf")
    for _ in range(times):
        at = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - at)
    return least


def bench(package, pattern):
    out = subprocess.run(["go", "test", "-run", "xxx", "-bench", pattern, "-count", "3", package], cwd=root, capture_output=True, text=True, check=True).stdout
    least = {}
    for name, ns in re.findall(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", out, re.M):
        least[name] = min(least.get(name, float("inf")), float(ns) / 1e9)
    return least


def lifetimes_fits():
    import pandas as pd
    import lifetimes as lt

    s = pd.read_csv(data / "cdnow" / "cdnow_customers_summary.csv")
    m = pd.read_csv(data / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    m = m[m.x > 0]
    return {
        "Fit/BGNBD": best(lambda: lt.BetaGeoFitter().fit(s.frequency, s.recency, s["T"])),
        "Fit/MBGNBD": best(lambda: lt.ModifiedBetaGeoFitter().fit(s.frequency, s.recency, s["T"])),
        "Fit/ParetoNBD": best(lambda: lt.ParetoNBDFitter().fit(s.frequency, s.recency, s["T"]), 2),
        "Fit/GammaGamma": best(lambda: lt.GammaGammaFitter().fit(m.x, m.zbar)),
    }


def duckdb_cube():
    import duckdb
    import numpy as np

    r, n = np.random.default_rng(7), 10_000_000
    store = r.integers(0, 800, n)
    rows = {"store": store, "month": r.integers(0, 60, n), "brand": r.integers(0, 40, n), "amount": r.integers(0, 100_000, n), "pieces": np.ones(n, dtype="int64"), "customer": r.integers(0, 1_000_000, n)}
    db = duckdb.connect()
    db.register("r", rows)
    # Values are texts, as they are in crm/cube; as ENUM, DuckDB's own numbering of them.
    db.execute("""CREATE TABLE t AS SELECT 's' || store AS store, '20' || (20 + month // 12) || '-' || lpad(CAST(1 + month % 12 AS VARCHAR), 2, '0') AS month, 'b' || brand AS brand, amount, pieces, customer FROM r""")
    for c in ("store", "month", "brand"):
        db.execute(f"CREATE TYPE e_{c} AS ENUM (SELECT DISTINCT {c} FROM t ORDER BY 1)")
        db.execute(f"ALTER TABLE t ALTER {c} TYPE e_{c}")
    sums = "count(*), sum(amount), sum(pieces)"
    return {
        "Query/month": best(lambda: db.execute(f"SELECT month, {sums} FROM t GROUP BY month ORDER BY 1").fetchall()),
        "Query/store,month": best(lambda: db.execute(f"SELECT store, month, {sums} FROM t GROUP BY ALL ORDER BY 1, 2").fetchall()),
        "Query/month_where_brand": best(lambda: db.execute(f"SELECT month, {sums} FROM t WHERE brand = 'b3' GROUP BY month ORDER BY 1").fetchall()),
        "Query/month_count_customer": best(lambda: db.execute(f"SELECT month, {sums}, count(DISTINCT customer) FROM t GROUP BY month ORDER BY 1").fetchall()),
    }


def duckdb_cohorts():
    import duckdb

    db = duckdb.connect()
    path = data / "uci_online_retail" / "online_retail.csv.gz"
    db.execute(f"""CREATE TABLE u AS SELECT CAST(CustomerID AS BIGINT) AS c, InvoiceNo AS o, InvoiceDate AS ts, CAST(round(UnitPrice * 1000) AS BIGINT) * Quantity AS v
        FROM read_csv('{path}', types={{'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR', 'CustomerID': 'DOUBLE', 'InvoiceDate': 'TIMESTAMP'}})
        WHERE CustomerID IS NOT NULL AND InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0""")
    db.execute("CREATE TABLE s AS SELECT c + i * 100000 AS c, o || '/' || i AS o, ts, v FROM u, range(25) t(i)")
    cohorts = """WITH m AS (SELECT c, date_trunc('month', ts) AS month, count(DISTINCT o) AS orders, sum(v) AS v FROM s GROUP BY ALL),
        f AS (SELECT *, min(month) OVER (PARTITION BY c) AS first FROM m),
        flow AS (SELECT a.month, count(*), count(b.c), sum(a.v), sum(b.v), sum(least(a.v, b.v)) FROM m a LEFT JOIN m b ON a.c = b.c AND b.month = a.month + INTERVAL 1 MONTH GROUP BY 1)
        SELECT (SELECT count(*) FROM flow), first, month, count(*), sum(orders), sum(v) FROM f GROUP BY ALL"""
    return {"Cohorts": best(lambda: db.execute(cohorts).fetchall(), 3)}


def main():
    peers, ours = {}, {}
    for name, f in {"lifetimes": lifetimes_fits, "DuckDB": duckdb_cube, "DuckDB cohorts": duckdb_cohorts}.items():
        for k, v in f().items():
            peers[k] = (name.split()[0], v)
    for package, pattern in (("./crm/value", "Fit$"), ("./crm/cube", "Query$"), ("./crm/cohort", "Cohorts$")):
        ours |= bench(package, pattern)
    print("| what | peer | peer, ms | here, ms | of the peer |\n|---|---|---|---|---|")
    for k, (peer, v) in peers.items():
        if k in ours:
            print(f"| {k} | {peer} | {v * 1e3:.1f} | {ours[k] * 1e3:.2f} | {ours[k] / v:.3f} |")
        else:
            sys.exit(f"no benchmark {k}: {sorted(ours)}")


main()
