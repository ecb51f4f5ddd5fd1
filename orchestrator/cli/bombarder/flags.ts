/** Values of flags: read and checked, with messages that say the rule. */
import { InvalidArgumentError } from 'commander';

/** `http://127.0.0.1:8080`, without a path. A bare `127.0.0.1:8080` is taken for the same. */
export function nodeUrl(text: string): string {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(written) || !/:\d+\/?$/.test(written)) throw new InvalidArgumentError(notUrl(text));
  const url = new URL(written);
  const bare = url.protocol === 'http:' && url.pathname === '/' && url.search === '' && url.username === '';
  if (!bare || url.hostname === '') throw new InvalidArgumentError(notUrl(text));
  return url.origin;
}

function notUrl(text: string): string {
  return `"${text}" is no node's URL: expected http://HOST:PORT, such as http://127.0.0.1:8080.`;
}

/** `URL1,URL2,…`: at least one, none twice. */
export function nodeUrls(text: string): readonly string[] {
  const urls = text.split(',').map((part) => nodeUrl(part.trim()));
  const twice = urls.find((url, index) => urls.indexOf(url) !== index);
  if (twice !== undefined) throw new InvalidArgumentError(`${twice} is named twice.`);
  return urls;
}

/** `HOST:PORT`; a bare port means this machine, as in `--peers`. */
export function nodeAddress(text: string): string {
  return new URL(nodeUrl(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text)).host;
}

/** Seconds, with a fraction if need be. */
export function secondsFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected seconds from ${min} to ${max}.`);
    }
    return value;
  };
}
