-- Simulated card payments for postgres.yaml: psql "$PAYMENTS_URL" -f examples/postgres.sql
create table tx (
  id bigint generated always as identity primary key,
  updated_at timestamptz not null,
  card_id text not null,
  amount numeric(10, 2) not null,
  country text not null,
  is_fraud boolean not null default false
);
select setseed(0.5);
insert into tx (updated_at, card_id, amount, country)
select timestamptz '2026-03-01 00:00:00+00' + n * interval '1 minute',
       'card-' || (n * 7919 % 40),
       round((20 * exp(random() * 1.5))::numeric, 2),
       (array['DE', 'FR', 'PL'])[1 + (random() * 2)::int]
from generate_series(1, 3000) as n;
insert into tx (updated_at, card_id, amount, country, is_fraud)
select timestamptz '2026-03-03 03:00:00+00' + n * interval '1 second', 'card-7', 950 + n, 'BR', true
from generate_series(1, 6) as n;
create index on tx (updated_at, id);
