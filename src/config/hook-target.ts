/** What a hook is: a command, or the address of a webhook, which is often a secret by itself. */
import { commandWords } from './command-words';

export type HookTarget = { readonly url: URL } | { readonly words: readonly string[] };

/** `problem` completes "must …". No problem shows the text. */
export function hookTarget(text: string): HookTarget | { readonly problem: string } {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text.trim())) return commandWords(text);
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return { url };
  return { problem: 'must be a command, or an address of http or https' };
}

/** Shorter ones occur elsewhere, and are hardly a token. */
const SHORTEST_TOKEN = 8;

/** What no output may show of a webhook's address: all that follows the host. */
export function secretsOfHook(text: string): readonly string[] {
  const target = hookTarget(text);
  if (!('url' in target)) return [];
  const { href, pathname, search, username, password } = target.url;
  return [text.trim(), href, `${pathname}${search}`, pathname, search.slice(1), username, password].filter(
    (part) => part.length >= SHORTEST_TOKEN,
  );
}
