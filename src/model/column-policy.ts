/** What the configuration says of a column: what becomes of its values on the server, before they leave it. */
export type ColumnAction = { readonly kind: 'keep' } | { readonly kind: 'exclude' } | RewritingAction;

/** Rules that read something else in place of the value. */
export type RewritingAction =
  | { readonly kind: 'hash' }
  | { readonly kind: 'null' }
  | { readonly kind: 'mask'; readonly form: 'all' | 'email' | 'phone' }
  /** `shown`: how many characters at the end stay as they are. */
  | { readonly kind: 'mask'; readonly form: 'last'; readonly shown: number };

/** As a user writes it. */
export function actionText(action: ColumnAction): string {
  if (action.kind !== 'mask' || action.form === 'all') return action.kind;
  return action.form === 'last' ? `mask:last:${action.shown}` : `mask:${action.form}`;
}

/** How a column is read that does not travel as it is. */
export interface ColumnPolicy {
  readonly action: RewritingAction;
  /** Names the session's settings that hold the key of the hash; see model/hash-key. */
  readonly hashId: string;
}

/** A column that is not read at all. */
export interface WithheldColumn {
  readonly name: string;
  /** As in ColumnSchema. */
  readonly place: number;
  /** rule: a rule excludes it. unlisted: no rule names it. denied: the role may not read it. */
  readonly why: 'rule' | 'unlisted' | 'denied';
}

/** One rule of the configuration. */
export interface ColumnRule {
  /** A glob over `schema.table.column`, `table.column` or `column`. */
  readonly pattern: string;
  readonly action: ColumnAction;
}
