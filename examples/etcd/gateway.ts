/** etcd's JSON gateway as the orchestrator uses it: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/ */

interface Header {
  readonly member_id: string;
  readonly revision: string;
}

/** 64-bit numbers are texts. */
export interface EtcdStatus {
  readonly header: Header;
  /** Absent while it knows none. */
  readonly leader?: string;
}

export interface EtcdRange {
  readonly header: Header;
  /** Keys and values in base64. */
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
  readonly more?: boolean;
}

export interface EtcdHashKv {
  readonly hash: number;
  readonly hash_revision: string;
  readonly compact_revision: string;
}

/** @throws with the member's own words when it refuses */
export async function ask<Answer>(nodeUrl: string, call: string, body: object, signal: AbortSignal): Promise<Answer> {
  const url = `${nodeUrl}/v3/${call}`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), signal });
  if (response.ok) return (await response.json()) as Answer;
  throw new Error(`POST ${url} was answered with ${response.status}: ${(await response.text()).slice(0, 200)}`);
}
