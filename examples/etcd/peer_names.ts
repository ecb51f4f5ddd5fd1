/** Names for the members' peer URLs. Nobody resolves them: etcd compares texts, and its HTTP client leaves them to a proxy. */

/** RFC 8375 and its like keep `internal` from ever being a public domain. */
export function peerHost(index: number): string {
  return `etcd-${index}.peer.internal`;
}
