"""Measures Splink (PyPI) beside dedup/people, set by set; vefa does not depend on it.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install splink "duckdb<1.5" pyarrow
    VEFA_DATA=../shared/data VEFA_RETAIL_1M=/tmp/retail_1m.csv /tmp/venv/bin/python .ci/splink_people.py [SET...]

Run in the root of the repository; without names, every set that is there. Prints a line of vefa's at
its defaults, then those of Splink on the same rows at its usual threshold and at two others. Settings as its example
notebooks choose them (docs/demos/examples/duckdb): for a set they use the notebook's, for others the
library's name, date and e-mail comparisons with term frequencies, m by EM over two rules, u from a
million random pairs. Its CPU seconds leave out importing and reading, vefa's the reading; MB is the
peak of the process, for Splink without the measuring, for vefa with it.
"""
import os, re, resource, subprocess, sys, tempfile, time

DATA = os.path.join(os.environ.get("VEFA_DATA", "../shared/data"), "dedup")
CASES = os.environ.get("VEFA_CASES", os.path.join(DATA, "../../cases")) + "/dedup"

NAME, BOTH, DOB, EMAIL, EXACT, POSTCODE, EDITS, JW = "name both dob email exact postcode edits jw".split()
HISTORICAL = dict(id="unique_id", truth="cluster", u=1e7, recall=0.6,
    derive=dict(birth="dob", postcode="postcode_fake", first_surname="first_name || ' ' || surname"),
    compare=[(BOTH, "first_name", "surname", "first_surname"), (DOB, "birth"), (POSTCODE, "postcode"), (EXACT, "birth_place"), (EXACT, "occupation")],
    blocks=["first_name[:3] surname[:4]", "surname birth", "first_name birth", "postcode first_name", "postcode surname", "birth birth_place",
            "postcode[:3] birth", "postcode[:3] first_name", "postcode[:3] surname", "first_name[:2] surname[:2] birth[:4]"],
    prior=["first_name surname birth", "first_name[:2] surname postcode[:2]", "birth postcode"], em=["first_name surname", "birth"])
FAKE = dict(id="unique_id", truth="cluster", recall=0.7, derive={},
    compare=[(BOTH, "first_name", "surname"), (DOB, "dob"), (EXACT, "city"), (EMAIL, "email")],
    blocks=["first_name", "surname", "dob", "email"], em=["dob", "email", "first_name surname"],
    prior=["=l.first_name = r.first_name and levenshtein(l.dob, r.dob) <= 1", "=l.surname = r.surname and levenshtein(l.dob, r.dob) <= 1",
           "=l.first_name = r.first_name and levenshtein(l.surname, r.surname) <= 2", "email"])
SWAPPED = "=l.given_name = r.surname and l.surname = r.given_name"
FEBRL = dict(id="rec_id", truth="split_part(rec_id, '-', 2)", recall=0.9, derive={}, tf_in_em=True, date="%Y%m%d",
    compare=[(NAME, "given_name"), (NAME, "surname"), (DOB, "date_of_birth"), (EDITS, "soc_sec_id", [2]), (EXACT, "street_number"), (EXACT, "postcode")],
    blocks=["soc_sec_id", "given_name", "surname", "date_of_birth", "postcode"], em=["date_of_birth", "postcode"],
    prior=["soc_sec_id", "given_name surname date_of_birth", SWAPPED + " and l.date_of_birth = r.date_of_birth"])
FEBRL4 = dict(FEBRL, recall=0.8, tf_in_em=False, prior=FEBRL["prior"][:2],
    compare=[(NAME, "given_name"), (NAME, "surname"), (DOB, "date_of_birth"), (EDITS, "soc_sec_id", [1, 2]), (EXACT, "street_number"), (EDITS, "postcode", [1, 2])],
    blocks=["given_name surname", SWAPPED, "date_of_birth", "soc_sec_id", "state address_1", "street_number address_1", "postcode"])
PHONE = "nullif(if(length(regexp_replace(phone, '\\D', '', 'g')) < 10, null, right(regexp_replace(phone, '\\D', '', 'g'), 10)), '5555555555')"
FOLD = lambda c: f"strip_accents(lower(translate({c}, 'İIı', 'iii')))"
RETAIL = dict(id="record_id", truth="entity_id", recall=0.7,
    derive=dict(phone=PHONE, email="lower(email)", **{c: FOLD(c) for c in ("first_name", "last_name", "city", "district")}),
    compare=[(NAME, "first_name"), (NAME, "last_name"), (DOB, "birth_date"), (EDITS, "phone", [1]), (EMAIL, "email"), (EXACT, "city"), (EXACT, "district", False), (EXACT, "gender", False)],
    blocks=["phone", "email", "first_name last_name city", "last_name birth_date", "first_name birth_date", "first_name[:3] last_name[:3] birth_date[:7]", "first_name last_name district"],
    prior=["first_name last_name phone", "first_name last_name birth_date", "email last_name"], em=["phone", "first_name last_name district"])
NAMES = [(NAME, "first_name"), (NAME, "last_name")]
# Every record of these has two or three mistyped cells, so exact rules find no matches to begin with: prefixes do.
TOWN = dict(id="id", truth="who", recall=0.7, derive={}, compare=NAMES + [(NAME, "city"), (EDITS, "postcode", [1])],
    blocks=["first_name last_name", "first_name city", "last_name city", "first_name postcode", "last_name postcode", "city postcode"],
    prior=["first_name last_name postcode[:3]", "first_name city[:3] last_name[:3]", "last_name city[:3] first_name[:3]", "first_name[:3] last_name[:3] postcode"],
    em=["first_name", "last_name", "first_name last_name"])
EDITED = dict(TOWN, compare=[(EDITS, c, [1, 2]) for c in ("first_name", "last_name", "city", "postcode")], em=["first_name postcode", "last_name city", "first_name last_name"])
ROWS = dict(id="id", truth="who", recall=0.7, derive=dict(phone=PHONE), compare=NAMES + [(EDITS, "phone", [1]), (EMAIL, "email")],
    blocks=["phone", "email", "first_name last_name"], prior=["first_name last_name phone", "email last_name"], em=["phone", "first_name last_name"])
STREET = dict(id="id", truth="who", recall=0.7, derive={}, compare=NAMES + [(DOB, "birth_date"), (JW, "address")],
    blocks=["first_name last_name", "last_name birth_date", "first_name birth_date", "address"],
    prior=["first_name last_name birth_date", "first_name last_name address"], em=["first_name last_name", "birth_date"])
BIRTH = dict(id="id", truth="who", recall=0.7, derive={}, compare=NAMES + [(DOB, "iso")],
    blocks=["first_name last_name", "last_name iso", "first_name iso", "first_name[:2] last_name[:2] y"], prior=["first_name last_name iso", "first_name iso"], em=["first_name last_name", "iso"])

SETS = {"fake_1000": (FAKE, "splink/fake_1000.csv"), **{f"febrl{n}": (FEBRL, f"febrl/dataset{n}.csv") for n in (1, 2, 3)},
    "febrl4": (FEBRL4, "febrl/dataset4a.csv", "febrl/dataset4b.csv"),
    "historical_50k": (HISTORICAL, "splink/historical_figures_with_errors_50k.csv.gz"),
    "retail_5k": (RETAIL, "retail_synth/retail_tr_5k.csv"), "retail_50k": (RETAIL, "retail_synth/retail_tr_50k.csv.gz"),
    "retail_1m": (RETAIL, os.environ.get("VEFA_RETAIL_1M", "/tmp/retail_1m.csv"))}
for case in [f"town_exact_{n}" for n in (0, 25, 50, 75)] + [f"many_rows_{n}" for n in (200, 600, 1200)] + ["twins_street", "birth_in_three"]:
    SETS[case] = ({"to": TOWN, "ma": ROWS, "tw": STREET, "bi": BIRTH}[case[:2]], os.path.abspath(f"{CASES}/{case}.csv"))
    if case.startswith("town"): SETS[case + "/edits"] = (EDITED, SETS[case][1])  # further settings, for Splink alone

def comparison(cl, s, kind, *a):
    tf = lambda c: c.configure(term_frequency_adjustments=True)
    if kind == NAME: return tf(cl.NameComparison(a[0]))
    if kind == BOTH: return cl.ForenameSurnameComparison(*a[:2], forename_surname_concat_col_name=a[2] if len(a) > 2 else None)
    if kind == DOB: return cl.DateOfBirthComparison(a[0], input_is_string=True, datetime_format=s.get("date", "%Y-%m-%d"))
    if kind == EMAIL: return cl.EmailComparison(a[0])
    if kind == POSTCODE: return cl.PostcodeComparison(a[0])
    if kind == EDITS: return cl.DamerauLevenshteinAtThresholds(a[0], a[1])
    if kind == JW: return tf(cl.JaroWinklerAtThresholds(a[0], [0.9]))
    return cl.ExactMatch(a[0]) if len(a) > 1 else tf(cl.ExactMatch(a[0]))

def measure(con, table):
    f, t, right, bp, br, n = con.execute(f"""with x as (select o.cluster_id as c, t.truth as e from {table} o join truth t using (unique_id)),
        b as (select c, e, count(*)::double as n from x group by all), f as (select c, sum(n) as n from b group by c), t as (select e, sum(n) as n from b group by e)
        select (select sum(n * (n - 1) / 2) from f), (select sum(n * (n - 1) / 2) from t), sum(b.n * (b.n - 1) / 2), sum(b.n * b.n / f.n), sum(b.n * b.n / t.n), sum(b.n)
        from b join f using (c) join t using (e)""").fetchone()
    p, r = right / max(f, 1), right / t
    return f"P {p:.4f} R {r:.4f} F1 {2 * p * r / max(p + r, 1e-9):.4f} B3 {2 * bp * br / n / (bp + br):.4f}"

def run(name):
    import duckdb, splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI
    s, *files = SETS[name]
    con = duckdb.connect(); con.execute("set threads=2")
    for i, file in enumerate(files):
        con.execute(f"create table raw as from read_csv('{os.path.join(DATA, file)}', all_varchar=true)")
        head = [c[0] for c in con.execute("describe raw").fetchall()]
        con.execute("create view clean as select " + ", ".join(f"nullif(trim(\"{c}\"), '') as {c.strip()}" for c in head) + " from raw")
        con.execute(f"create table rows{i} as select {s['id']} as unique_id, {s['truth']} as truth, * exclude ({s['id']}) from clean; drop view clean; drop table raw")
    con.execute("create table truth as " + " union all ".join(f"select unique_id, truth from rows{i}" for i in range(len(files))))
    start = time.process_time()
    for i in range(len(files)):
        had = [c[0] for c in con.execute(f"describe rows{i}").fetchall()]
        swap = ", ".join(f"{e} as {c}" for c, e in s["derive"].items() if c in had)
        new = "".join(f", {e} as {c}" for c, e in s["derive"].items() if c not in had)
        con.execute(f"create table t{i} as select * exclude (truth) {'replace (' + swap + ')' if swap else ''} {new} from rows{i}; drop table rows{i}")
    def rule(r):
        return r[1:] if r[0] == "=" else block_on(*(re.sub(r"(\w+)\[:(\d+)\]", r"substr(\1, 1, \2)", c) for c in r.split()))
    db = DuckDBAPI(connection=con)
    tables = [db.register(f"t{i}", dataset_display_name=f"file{i}") for i in range(len(files))]
    settings = SettingsCreator(link_type="link_only" if len(files) > 1 else "dedupe_only", comparisons=[comparison(cl, s, *c) for c in s["compare"]],
        blocking_rules_to_generate_predictions=[rule(r) for r in s["blocks"]], retain_matching_columns=False)
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match([rule(r) for r in s["prior"]], recall=s["recall"])
    linker.training.estimate_u_using_random_sampling(max_pairs=s.get("u", 1e6), seed=2)
    for r in s["em"]:
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(rule(r), estimate_without_term_frequencies=not s.get("tf_in_em"))
        except Exception as e:
            print("   EM on", r, "fails:", str(e).strip().splitlines()[0][:120])
    edges = linker.inference.predict(threshold_match_probability=0.2)
    trained, results = time.process_time() - start, []
    for how in ["components"] + ["one to one"] * (len(files) > 1):
        for least in (0.95, 0.5, 0.999):
            at = time.process_time()
            if how == "components":
                out = linker.clustering.cluster_pairwise_predictions_at_threshold(edges, threshold_match_probability=least)
            else:
                out = linker.clustering.cluster_using_single_best_links(edges, duplicate_free_datasets=["file0", "file1"], threshold_match_probability=least)
            results.append((how, least, out.physical_name, trained + time.process_time() - at))
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for how, least, table, cpu in results:
        print(f"{name:20} Splink at {least:5} {measure(con, table)}  {cpu:.1f} CPU-s {mb:.0f} MB  {how}", flush=True)

def ours(name, tmp):
    """Runs vefa as a child and reads its figures."""
    case = SETS[name][0]["truth"] == "who"
    args = [tmp + "/dedupe", "-truth", "who", "-in", SETS[name][1]] if case else [tmp + "/people.test", "-test.run", "xxx", "-test.benchtime", "1x", "-test.bench", f"^BenchmarkLink$/^{name}$"]
    env = dict(os.environ, VEFA_DATA=os.path.abspath(os.path.dirname(DATA)), VEFA_RETAIL_1M=os.environ.get("VEFA_RETAIL_1M", "/tmp/retail_1m.csv"))
    child = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd="dedup/people")
    text = child.stdout.read()
    usage = os.wait4(child.pid, 0)[2]
    if case:
        found = re.search(r"clusters +precision (\S+) +recall (\S+) +F1 (\S+) +B-cubed (\S+)", text)
        cpu = re.search(r"([\d.]+) CPU-s", text)
        got = found and (*found.groups(), cpu.group(1))
    else:
        got = [m and m.group(1) for m in (re.search(r"([\d.e+-]+) " + unit + r"\b", text) for unit in ("precision", "recall", "F1", "B3", "cpu-s/op"))]
    if not got or None in got:
        print(f"{name:20} vefa fails: {text.strip()[-200:]}")
        return
    p, r, f, b, cpu = map(float, got)
    print(f"{name:20} vefa            P {p:.4f} R {r:.4f} F1 {f:.4f} B3 {b:.4f}  {cpu:.1f} CPU-s {usage.ru_maxrss / 1024:.0f} MB", flush=True)

if __name__ == "__main__":
    if sys.argv[1:2] == ["-splink"]:
        run(sys.argv[2])
        sys.exit()
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run(["go", "test", "-c", "-o", tmp + "/people.test", "./dedup/people"], check=True)
        subprocess.run(["go", "build", "-o", tmp + "/dedupe", "./dedupe"], check=True, cwd="examples")
        for name in sys.argv[1:] or SETS:
            if not os.path.exists(os.path.join(DATA, SETS[name][1])):
                print(f"{name:20} is not here")
                continue
            if "/" not in name:
                ours(name, tmp)
            if subprocess.run([sys.executable, __file__, "-splink", name]).returncode:
                print(f"{name:20} Splink fails")
