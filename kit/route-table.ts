/** Which methods exist for a path, so that a wrong method can be told from an unknown path (405 from 404). */
export class RouteTable {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** @param url a pattern with `:parameters`, e.g. `/api/kv/:id` */
  add(url: string, methods: readonly string[]): void {
    const pattern = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part)));
    this.#routes.push({ pattern: new RegExp(`^${pattern.join('/')}$`), methods });
  }

  /** @param path without the query. Sorted; empty when no route has that path. */
  methodsOf(path: string): readonly string[] {
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  }
}
