-- Questions about what `go run ./examples/value -export DIR` wrote, for DuckDB in that folder:
--
--     duckdb -c ".read duckdb.sql"

-- What the columns are, and by which version of the definitions they were counted.
SELECT decode(value) AS about FROM parquet_kv_metadata('sales.parquet') WHERE decode(key) = 'vefa.table';

-- Customers, orders and revenue by month; amounts are in hundredths.
SELECT month, count(DISTINCT customer) AS customers, count(DISTINCT "order") AS orders, sum(amount) / 100 AS revenue
FROM 'sales.parquet' JOIN 'day.parquet' USING (day_key) GROUP BY month ORDER BY month;

-- Who comes back: customers of each month of a first purchase, by month.
WITH lines AS (SELECT customer, month FROM 'sales.parquet' JOIN 'day.parquet' USING (day_key)),
first AS (SELECT customer, min(month) AS cohort FROM lines GROUP BY customer)
SELECT cohort, month, count(DISTINCT customer) AS customers FROM lines JOIN first USING (customer) GROUP BY ALL ORDER BY ALL;

-- All of it.
SELECT sum(amount) AS hundredths, count(DISTINCT customer) AS customers FROM 'sales.parquet';
