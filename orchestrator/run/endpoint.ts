/**
 * The address of a Prometheus that is not ours, and how it knows us. What is secret is kept apart from the address, so that the
 * address can be shown.
 */

/** An address that is none. */
export class EndpointError extends Error {
  readonly code = 'USAGE';
  constructor(message: string) {
    super(message);
    this.name = 'EndpointError';
  }
}

export type Credentials =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

export interface Endpoint {
  /** Without credentials and without a slash at its end. */
  readonly url: string;
  /** `url` without a query, which may hold a key: of a receiver only. */
  readonly shown: string;
  readonly credentials: Credentials | null;
}

/**
 * Reads `http://user:password@host:9090/prefix`. Credentials of the URL go before those of the environment: `<variable>_TOKEN`, or
 * `<variable>_USER` with `<variable>_PASSWORD`. Throws EndpointError; its message shows nothing of the URL, which may hold a password.
 *
 * @param flag as a person wrote it, for messages: `--prometheus`
 * @param variable the beginning of the variables' names: `GAMEDAY_PROMETHEUS`
 */
export function parseEndpoint(
  text: string,
  flag: string,
  variable: string,
  environment: Readonly<Record<string, string | undefined>>,
): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
    throw new EndpointError(
      `what ${flag} gives is no URL of a Prometheus: expected one like http://127.0.0.1:9090 or https://host/prefix`,
    );
  const credentials = credentialsOf(url, flag) ?? credentialsFrom(environment, variable);
  url.username = '';
  url.password = '';
  url.hash = '';
  const path = url.pathname.replace(/\/+$/, '');
  return { url: `${url.origin}${path}${url.search}`, shown: `${url.origin}${path}`, credentials };
}

function credentialsOf({ username, password }: URL, flag: string): Credentials | null {
  if (username === '' && password === '') return null;
  try {
    return { kind: 'basic', user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw new EndpointError(`the user or password in ${flag} is not percent-encoded: write % as %25, @ as %40`);
  }
}

function credentialsFrom(
  environment: Readonly<Record<string, string | undefined>>,
  variable: string,
): Credentials | null {
  const token = environment[`${variable}_TOKEN`];
  const [user, password] = [environment[`${variable}_USER`], environment[`${variable}_PASSWORD`]];
  if (token) return { kind: 'bearer', token };
  return user ? { kind: 'basic', user, password: password ?? '' } : null;
}

/** The header that shows the credentials. */
export function authorization({ credentials }: Endpoint): Record<string, string> {
  if (credentials === null) return {};
  if (credentials.kind === 'bearer') return { authorization: `Bearer ${credentials.token}` };
  const pair = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}
