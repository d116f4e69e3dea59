-- Work for SQLite: inserts, an index, joins, aggregates, updates; the database is in memory.
CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER, price INTEGER, name TEXT);
CREATE TABLE sale (item INTEGER, day INTEGER, amount INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1800)
INSERT INTO item SELECT i, i * 7919 % 23, i * 104729 % 10007, printf('item %x', i * 31) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO sale SELECT i * 6151 % 1800 + 1, i % 365, i * 37 % 11 FROM n;
COMMIT;
CREATE INDEX sale_item ON sale (item);
CREATE INDEX item_name ON item (name);
SELECT sum(price * amount) FROM item JOIN sale ON sale.item = item.id WHERE kind < 12;
SELECT kind, count(*), avg(price), max(name) FROM item GROUP BY kind ORDER BY kind LIMIT 3;
UPDATE item SET price = price + 1 WHERE name LIKE '%a';
DELETE FROM sale WHERE day BETWEEN 100 AND 130;
SELECT count(*), sum(s) FROM (SELECT item, sum(amount) AS s FROM sale GROUP BY item HAVING s > 9);
SELECT sum(length(a.name)) FROM item a, item b WHERE a.kind = 5 AND a.id < 300 AND b.kind = 6 AND a.price < b.price;
