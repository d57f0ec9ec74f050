import type { Client } from 'pg';

/** Fills an empty database with about `rows` rows in all; the same number gives the same database. */
export function seedShop(client: Client, rows: number): Promise<void>;
