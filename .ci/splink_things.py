"""Measures Splink (PyPI) on the sets of dedup/things, as a yardstick; vefa does not depend on it.

    VEFA_THINGS_CSV=/tmp/sets go test -run WriteSets ./dedup/things
    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install splink "duckdb<1.5" pyarrow
    for f in /tmp/sets/*.csv; do /tmp/venv/bin/python .ci/splink_things.py $f; done

Settings as its tutorials choose them: exact and Jaro-Winkler levels with term frequencies,
blocking on name words, m by EM over two to four rules, u from a million random pairs; with "tokens" a
further comparison by common words. Prints a line for each threshold.
"""
import csv, collections, re, resource, sys, time, unicodedata
import duckdb
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on

def fold(s):
    s = unicodedata.normalize("NFKD", s.replace("ı", "i").replace("İ", "i").lower())
    return " ".join(re.findall(r"\w+", "".join(c for c in s if not unicodedata.combining(c))))

def measure(clusters, truth):
    pairs = lambda n: n * (n - 1) // 2
    both = collections.Counter((clusters[i], truth[i]) for i in truth)
    found, true = collections.Counter(clusters[i] for i in truth), collections.Counter(truth.values())
    right = sum(map(pairs, both.values()))
    f, t = sum(map(pairs, found.values())), sum(map(pairs, true.values()))
    p, r = right / max(f, 1), right / t
    bp = sum(n * n / found[c] for (c, _), n in both.items()) / len(truth)
    br = sum(n * n / true[e] for (_, e), n in both.items()) / len(truth)
    return p, r, 2 * p * r / max(p + r, 1e-9), 2 * bp * br / (bp + br)

def run(path, tokens):
    rows = list(csv.DictReader(open(path, newline="")))
    truth = {r["id"]: r["entity"] for r in rows}
    columns = [c for c in ("maker", "code", "price", "text", "category", "year", "authors", "street", "city", "postcode", "phone") if any(r[c] for r in rows)]
    two = len({r["source"] for r in rows}) > 1
    con = duckdb.connect(); con.execute("set threads=2")
    names = ["unique_id", "source_dataset", "name", "start", "words"] + columns
    con.execute(f"create table t ({', '.join(n + (' varchar[]' if n == 'words' else ' varchar') for n in names)})")
    for r in rows:
        name = fold(r["name"])
        value = lambda c: re.sub(r"\D", "", r[c])[-10:] if c == "phone" else r[c] if c == "price" else fold(r[c])
        con.execute(f"insert into t values ({','.join('?' * len(names))})",
                    [r["id"], r["source"], name or None, name.replace(" ", "")[:6] or None, [w for w in set(name.split()) if len(w) > 3]] + [value(c) or None for c in columns])
    from splink.internals.duckdb.database_api import DuckDBAPI
    db = DuckDBAPI(connection=con)
    jw = lambda c: cl.JaroWinklerAtThresholds(c, [0.92, 0.88, 0.7]).configure(term_frequency_adjustments=True)
    comparisons = [jw("name")] + ([cl.ArrayIntersectAtSizes("words", [4, 3, 2, 1])] if tokens else [])
    for c in columns:
        comparisons.append(cl.ExactMatch(c).configure(term_frequency_adjustments=True) if c in ("price", "year", "phone", "postcode", "code") else jw(c))
    blocks = [block_on("words", arrays_to_explode=["words"]), block_on("start")]
    blocks += [block_on(c) for c in ("phone", "code", "street") if c in columns]
    s = SettingsCreator(link_type="link_only" if two else "dedupe_only", comparisons=comparisons, probability_two_random_records_match=1 / len(rows), blocking_rules_to_generate_predictions=blocks)
    start = time.process_time()
    if two:
        frames = [db.register(con.sql(f"select * from t where source_dataset = '{x}'").to_arrow_table(), table_name=x) if hasattr(db, "register") else None
                  for x in sorted({r["source"] for r in rows})]
        linker = Linker(frames, s, log_level=40)
    else:
        linker = Linker(db.register(con.sql("select * exclude source_dataset from t").to_arrow_table(), table_name="d"), s, log_level=40)
    t = linker.training
    rules = [block_on("name", c) for c in ("phone", "street", "year", "city", "price") if c in columns] or [block_on("name")]
    equal = max(con.execute(f"select count(*) from t a join t b on a.name = b.name and a.{c} = b.{c} and a.unique_id < b.unique_id").fetchone()[0]
                for c in [c for c in ("phone", "street", "year", "city", "price") if c in columns] or ["name"])
    if equal > 0:  # else one match for a record stays the guess
        t.estimate_probability_two_random_records_match(rules, recall=0.6)
    t.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in [block_on("name"), block_on("start")] + [block_on(c) for c in ("street", "phone", "authors", "price", "code") if c in columns][:2]:
        try:
            t.estimate_parameters_using_expectation_maximisation(rule)
        except Exception as e:
            print("   EM:", str(e).strip().splitlines()[0][:100], file=sys.stderr)
    edges = linker.inference.predict(threshold_match_probability=0.01)
    for least in (0.5, 0.95):
        if two:
            out = linker.clustering.cluster_using_single_best_links(edges, duplicate_free_datasets=sorted({r["source"] for r in rows}), threshold_match_probability=least)
        else:
            out = linker.clustering.cluster_pairwise_predictions_at_threshold(edges, threshold_match_probability=least)
        clusters = {r["unique_id"]: r["cluster_id"] for r in out.as_record_list()}
        p, r, f, b = measure(clusters, truth)
        print(f"{path.split('/')[-1][:-4]:16} {'tokens' if tokens else 'plain':7} at {least}: P {p:.3f} R {r:.3f} F1 {f:.3f} B3 {b:.3f}  {time.process_time() - start:.1f} CPU-s  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB", flush=True)

if __name__ == "__main__":
    for kind in (False, True):
        try:
            run(sys.argv[1], kind)
        except Exception as e:
            print(f"{sys.argv[1].split('/')[-1][:-4]:16} {'tokens' if kind else 'plain':7} fails: {str(e).strip().splitlines()[0][:120]}")
