'use strict';
// What the apps keep in PostgreSQL: bets and accounts, with the queries that one would write.

const { Pool } = require('pg');

const TABLES = `
  create table if not exists odds (id int primary key, value numeric not null);
  insert into odds select id, 1.5 + id from generate_series(1, 5) id on conflict do nothing;
  create table if not exists bets (id bigserial primary key, player text not null, odds numeric not null);
  create table if not exists accounts (id text primary key, owner text not null, note text not null default '',
    fence bigint not null default 0);`;

/** @param {string | undefined} database */
function openLedger(database) {
  const db = new Pool({ connectionString: database, max: 10 });
  // Several processes make the tables at once: whoever comes second tries again.
  const ready = db.query(TABLES).catch(() => db.query(TABLES));
  return {
    db,
    ready,
    /** @param {number} id @returns {Promise<number>} */
    odds: async (id) => {
      await ready;
      const { rows } = await db.query({
        name: 'odds',
        text: 'select value from odds where id = $1',
        values: [id],
      });
      return Number(rows[0].value);
    },
    /** @param {string} player @param {number} odds @returns {Promise<number>} when, in milliseconds since the epoch */
    bet: async (player, odds) => {
      const { rows } = await db.query({
        name: 'bet',
        text: 'insert into bets (player, odds) values ($1, $2) returning extract(epoch from clock_timestamp()) * 1000 as at',
        values: [player, odds],
      });
      return Number(rows[0].at);
    },
  };
}

module.exports = { openLedger };
