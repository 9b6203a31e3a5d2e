// The public contract of latchgate: every name, and what it promises. Written by hand; the implementation is src/js.
//
// A denial is a value, a fault is an error: functions that decide resolve with a result that says no, and reject (or throw)
// only with a LatchgateError. Durations are whole milliseconds, or strings such as '250ms', '30s', '15m', '12h', '7d'.
// Instants are epoch milliseconds. User, session, token and issuer ids are well-formed strings of 1 to 512 bytes of UTF-8;
// in a token, and in what is to stand in one, without control characters.
//
// An option that is present but undefined is refused like a wrong value of that option: `{ issuer: process.env.ISSUER }` without
// the variable must not remove a check. Leave the option out instead. The same holds for idempotency keys. Exceptions: a whole
// options argument that is undefined is the same as no argument; the credentials of authenticate() come from headers, so that
// undefined means none; what a function option returns has the meaning that its comment gives. The compiler finds such options
// with exactOptionalPropertyTypes, which changes nothing else.

import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Whole milliseconds, or a whole number with a unit: 'ms', 's', 'm', 'h' or 'd'. */
export type Duration = number | string;

/** The version of this package, as in its package.json. */
export const version: string;

/**
 * `createAuth(options).middleware(options)` in one, with the Auth on `.auth`.
 *
 * Options left out are read from the environment: LATCHGATE_STORE, LATCHGATE_JWT_SECRET, LATCHGATE_JWT_PUBLIC_KEY (PEM,
 * where line ends may be written as `\n`, or a JWK as JSON) or LATCHGATE_JWKS_URI, LATCHGATE_ISSUER, LATCHGATE_AUDIENCE,
 * LATCHGATE_SESSION_LIMIT. The keys are read only where `jwt` holds none. A variable that is set but empty is refused.
 *
 * With `sessions`, or with LATCHGATE_SESSION_LIMIT, sessions are admitted by first use unless `sessions.admission` says
 * otherwise, so that tokens issued elsewhere pass. With neither, only the tokens of tokens.login() are session-checked.
 *
 * @throws LatchgateError ERR_LATCHGATE_CONFIG at once: an option that is unknown or wrong, no key for tokens where they are
 * accepted, or no binary for this platform.
 */
export function authMiddleware(options?: AuthOptions & Policy): RequestHandler & { auth: Auth };

/**
 * An Auth: a store, the keys, and all that is decided with them. The environment is read as for authMiddleware(). Without any
 * key for tokens `sessions.*`, `apiKeys.*`, `quotas.*`, `counters.*`, `once`, `tokens.revokeId`, `revokeUser`, `blockUser`,
 * `unblockUser` and policies for API keys alone work, and everything that reads a token is ERR_LATCHGATE_CONFIG.
 *
 * @throws LatchgateError ERR_LATCHGATE_CONFIG at once: an option that is unknown or wrong, or no binary for this platform.
 */
export function createAuth(options?: AuthOptions): Auth;

/** What an Auth is made of. Unknown names and values out of range are ERR_LATCHGATE_CONFIG, which names option and cure. */
export interface AuthOptions {
  /**
   * 'memory:' (default), which belongs to this Auth alone, or 'memory:name', which all Auths of the process share, those in
   * worker threads among them. A restart forgets an embedded store, revocations included; other processes do not see it.
   * 'redis://host:port/db', 'rediss://…' (TLS) or 'redis+unix:///path' (not on Windows), with user:password@ where needed: one
   * Redis or Valkey server, which all processes share. No message of latchgate repeats the URL.
   * 'redis-sentinel://h1:p,h2:p/db?master=name' (port 26379 where none is said): the primary that these Sentinels name, which is
   * asked for again every second and at every loss; user:password@ is who we are at the servers, `&sentinel_username=` and
   * `&sentinel_password=` at the Sentinels. 'redis-cluster://h1:p,h2:p' (port 6379): a Cluster, found by any of these nodes; it
   * has the database 0 alone. 'rediss-sentinel://' and 'rediss-cluster://': the same, all of it by TLS.
   */
  store?: string | StoreOptions;
  jwt?: JwtOptions;
  sessions?: SessionPolicy;
  /**
   * `header`: where keys come, default 'x-api-key'; none of which Node keeps only the first, such as authorization. `prefix`: what
   * keys made here begin with, 1 to 32 letters, digits, '-' and '_', default 'lg'; those made under another stay good. Where this
   * is given, {} included, keys are accepted by every policy that does not list `credentials`.
   */
  apiKeys?: { header?: string; prefix?: string };
  /**
   * Of tokens.login() and refresh(). `ttl`: default the session's absoluteTimeout; a refresh token never outlives its session.
   * `graceWindow`: so long a token that was used leads to what followed it, default '10s', at most '1h'; with 0 a client that got no
   * answer cannot ask again.
   */
  refresh?: { ttl?: Duration; graceWindow?: Duration };
  /**
   * What a check does while the store cannot answer. 'deny' (default): 503 store_unavailable. 'allow' lets a request through,
   * with `req.auth.degraded`, only where every check that it needs says so: `revocation`, which every request needs (user, token
   * and block); `sessions`, where the session is checked; `quota`, where the policy has one. Signature, claims and scopes are
   * judged all the same. A request with an API key is never let through, and direct calls always reject.
   */
  onStoreError?:
    | 'deny'
    | 'allow'
    | { revocation?: 'deny' | 'allow'; sessions?: 'deny' | 'allow'; quota?: 'deny' | 'allow' };
  /**
   * 'enforce' (default). 'observe' decides in full and denies nothing: middlewares, guards and serialize() always call next(),
   * which takes no turn, leave the response alone, and tell by the event 'denied' (with `observed: true`), metrics (outcome
   * 'observed') and `req.auth.observed` what would have been answered; onDeny is not called. Revocations, blocks, API keys,
   * counters and turns are the real ones; sessions, refresh families and what is charged lie apart (`<prefix>.observe`), also
   * where they are called for directly. Two commands a request on a server. See docs/observe.md.
   */
  mode?: 'enforce' | 'observe';
  /** Of the WWW-Authenticate header; 1 to 256 printable ASCII characters without quotes and backslashes. Default 'api'. */
  realm?: string;
}

/** A store by its parts. */
export interface StoreOptions {
  /** As AuthOptions.store. */
  url: string;
  /**
   * Of every key; 1 to 64 of A-Z a-z 0-9 . _ -, default 'lg'. Has no meaning for 'memory:name' (ERR_LATCHGATE_CONFIG): put it
   * into the name.
   */
  prefix?: string;
  /** Longest wait for an answer; 1 ms to '1h', default '1s'. An embedded store answers at once. */
  commandTimeout?: Duration;
  /** Longest wait for a connection; 1 ms to '1h', default '2s'. An embedded store needs none. */
  connectTimeout?: Duration;
  /**
   * Replicas that must hold a revocation, block, admission (not by first use; a login is one) or acquired turn before it
   * resolves; default 0; too few within half of commandTimeout is ERR_LATCHGATE_STORE_TIMEOUT, and the write stands; asking
   * again waits again. API keys that are revoked and sessions that are ended (logout(), sessions.end() and endAll()) are waited
   * for too, and every refresh(): it spends a token, or ends the session whose token was spent before. More than 0 is
   * ERR_LATCHGATE_CONFIG for an embedded store.
   */
  acks?: number;
  /**
   * ready() rejects where the server may evict keys, keeps nothing on disk, or may not be inspected, and so on an embedded
   * store; by default health() warns.
   */
  strict?: boolean;
}

/**
 * Which keys verify, which one signs, and what a token must carry. One kind of key: `secret` alone; `publicKey`, `privateKey`
 * or both as a pair; or `jwks`, which `privateKey` may join. Each key verifies only with the algorithms of its own type
 * (RFC 8725 section 3.1); RSA keys have 2048 bits or more, secrets as many bytes as the hash (RFC 7518 section 3.2).
 * A token has at most 8 KiB.
 */
export interface JwtOptions {
  /**
   * For HS256 (32 bytes or more), HS384 (48) and HS512 (64). PEM and JWK are refused here. Verifies and signs. The type has
   * undefined so that `process.env.NAME` compiles; the value undefined is ERR_LATCHGATE_CONFIG.
   */
  secret?: string | Buffer | undefined;
  /** PEM (SPKI, PKCS#1 or a certificate), a JWK as object or JSON, or a public KeyObject. Private keys are refused here. */
  publicKey?: string | object;
  /**
   * PEM (PKCS#8, PKCS#1 or SEC1, not encrypted), a JWK as object or JSON, or a private KeyObject: for tokens.issue(). Alone, its
   * public half verifies. With `publicKey` it must be its other half.
   */
  privateKey?: string | object;
  /**
   * A key set: a token's `kid` decides (RFC 7515 section 4.1.4), and without one the key must be the only one for the algorithm.
   * Symmetric and private keys in it are refused, keys for other purposes are passed over. `privateKey` joins the set under its
   * own kid, else under its thumbprint (RFC 7638).
   */
  jwks?: { keys: object[] };
  /**
   * Where a key set is fetched: https, or http to loopback alone; no redirects, 5 s, 256 KiB. In place of secret, publicKey and
   * jwks. Fetched at once, and requests wait for it; again when no longer fresh (Cache-Control, within 1 minute and 1 hour, else 10
   * minutes), and when a token names a key that is not in it (not within 30 s). Tokens of a key that is no longer in it fall. While the
   * endpoint does not answer its keys serve for a day; beyond that, and for keys not known, the answer is 503 and never 401.
   * Keys that cannot verify are passed over. `privateKey` verifies what it signs, whatever is fetched. See docs/jwks.md.
   */
  jwksUri?: string;
  /**
   * Of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA. Default: what each key's own type
   * allows, never more. 'none' is refused, and so is one that no configured key can do.
   */
  algorithms?: string[];
  /** Accepted `iss`, ours first: issue() writes it. Default: not looked at. Of several, see Tokens. */
  issuer?: string | string[];
  /** Accepted `aud`, of which a token must name one; issue() writes the first. Default: not looked at. */
  audience?: string | string[];
  /** By how much clocks may differ; 0 (default) to '1h'. */
  clockTolerance?: Duration;
  /**
   * By how much an issuer's clock may lead the store's, for revokeUser() and blockUser(). 'observed' (default): the largest lead
   * that accepted tokens of that issuer have shown in the last 24 hours. A duration from 0 to '1h' fixes it.
   * Tokens of our own are not concerned. See revokeUser().
   */
  issuerClockLead?: 'observed' | Duration;
  /**
   * Longest life (exp - iat) of an accepted token; '1s' to 200 years, default '24h'. A token without iat, or with one further
   * ahead than clockTolerance + 60 s, is refused: the end of a user's tokens is remembered for maxAge + 2 x clockTolerance +
   * 60 s, and must outlive every token that it ends.
   */
  maxAge?: Duration;
  /** Claims that must be there beside exp, iat and the user id, which always must. */
  requiredClaims?: string[];
  /**
   * Names of claims. `userId`: default 'sub'. `sessionId`: default 'sid'; a token without it is a session of its own, under
   * its token id, of which the process is warned once (LATCHGATE_SESSION_IS_TOKEN).
   */
  claims?: { userId?: string; sessionId?: string };
  /** How long the tokens of issue() live; default '15m' (or maxAge, where that is shorter), at most maxAge. */
  accessTtl?: Duration;
}

/** How many sessions a user may have, and how long they live. */
export interface SessionPolicy {
  /**
   * Live sessions per user: an integer from 0 to 4294967295 (2^32 - 1); no limit where left out. A function is asked for each
   * request that may admit by first use, after the token has been verified and before the store is asked; what it throws, and a
   * value that is no such integer (a promise among them: ERR_LATCHGATE_INPUT), goes to next(err).
   */
  limit?: number | ((claims: Claims, req: Request) => number);
  /**
   * Most live sessions of a user, whatever `limit` says: an integer from 1 to 4294967295, default 10000. A user at the hard
   * limit is treated as at the limit (reason 'session_limit', or `onLimit: 'evict-oldest'`).
   */
  hardLimit?: number;
  /**
   * 'reject' (default), or 'evict-oldest': the least recently active session makes room. An admission that must evict more than
   * 100 sessions on a server (a limit that was lowered) evicts 100 at a time and names the last of them.
   */
  onLimit?: 'reject' | 'evict-oldest';
  /** Life without activity; 1 ms to 10 years, default '30m'. */
  idleTimeout?: Duration;
  /** Life at all, which no activity prolongs; 1 ms to 10 years, default '12h'. */
  absoluteTimeout?: Duration;
  /**
   * 'explicit': only sessions admitted by sessions.admit() or login() pass. 'first-use': the middleware admits an unseen session
   * in the same atomic step. Default of createAuth() with `sessions`: 'explicit', and without it, whatever
   * LATCHGATE_SESSION_LIMIT says, only the tokens of login() are session-checked; of authMiddleware(): 'first-use'.
   *
   * A session that was ended, evicted or timed out is never admitted again (reason 'session_ended'): it is remembered from its
   * end for the longer of absoluteTimeout and maxAge + 2 x clockTolerance + 60 s. A refused token prolongs nothing.
   */
  admission?: 'explicit' | 'first-use';
}

/**
 * What one middleware demands, decided in one atomic step of the store, all or nothing; except, on Redis, a quota whose `by` is
 * a function: it is charged second, and where it denies nothing stays charged, but touch and first-use admission stand. Of
 * several reasons to deny the first applies: header, token or key itself, blocked, revoked or ended, scope, session limit, quota. Function
 * options must answer at once: an async one, or a promise, is refused.
 */
export interface Policy {
  /**
   * Default: whichever is configured: 'bearer' with a key for tokens, 'api-key' with the option `apiKeys`. Kinds not listed are
   * ignored. With a token and a key in one request both must stand, both must have the scopes (req.auth.scopes are those that both
   * have), and the token's user must own the key.
   */
  credentials?: Array<'bearer' | 'api-key'>;
  /**
   * Where the token is. undefined, null and '' mean that there is none; anything else that is no string is
   * ERR_LATCHGATE_INPUT. Default: the header `Authorization: Bearer …` (RFC 6750 section 2.1), which must be the only one, with
   * no `access_token` in the query or in a parsed form beside it.
   */
  getToken?: (req: Request) => string | undefined;
  /** Without credentials: next() with req.auth undefined. Bad ones are denied all the same. Default false. */
  optional?: boolean;
  /** All of these, from the claim `scope` (RFC 8693 section 4.2), else `scp`. A string may hold several, with spaces between. */
  scope?: string | string[];
  /**
   * What each request of this middleware is charged; a denied one is charged nothing. Allowed answers, and 429, carry
   * RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10), one item a quota: `w` is its window in seconds, `t`
   * the seconds until all units are back, and on a 429 those until the cost of the request is, as in Retry-After. Functions are
   * asked after the token has been verified and before the store is, and so before anything is known of an API key; what they
   * throw goes to next(err).
   */
  quota?: QuotaRule & {
    /**
     * Whose units they are. Default 'api-key': the key's, and the user's where no key was used. 'session': the user's where there
     * is none. What a key has as a quota of its own is charged too, at the same cost (else 1), both or neither, and once per
     * request, by the first middleware of this Auth whose cost is not 0; refundOn gives back the policy's alone. A function's
     * string is a holder of its own (1 to 512 bytes, well-formed); anything else from it is ERR_LATCHGATE_INPUT, and never a
     * quota that is shared.
     */
    by?: 'user' | 'session' | 'api-key' | ((req: Request) => string);
    /**
     * Units of a request: an integer from 0, which only looks, to 2^53 - 1; default 1. More than the limit is a denial. Anything
     * else from a function is ERR_LATCHGATE_INPUT.
     */
    cost?: number | ((req: Request) => number);
    /**
     * Under it the request is charged once within 24 h: whoever brings it again to the same quota passes, with the numbers of the
     * first answer, whatever is left by then. undefined: charged plainly. A client that chooses the key, and repeats it, passes any
     * number of requests for one charge: the handler must answer a repeated key with its first result. The key is remembered per
     * holder and quota, and of a key's own quota per key, whichever policy charges it. Remembered are charges alone, a denial is
     * decided anew. With another cost or rule, and for anything but a well-formed string of 1 to 512 bytes, ERR_LATCHGATE_INPUT
     * goes to next(err).
     */
    idempotencyKey?: (req: Request) => string | undefined;
    /**
     * Asked once, when the response has finished or its connection has closed before that (then `res.writableFinished` is false,
     * and the status is what was set by then); true gives back what this request was charged, and forgets its idempotencyKey.
     * Where several requests rest on one charge by that key, it is given back once all of them have answered true: one that was
     * served keeps it. Of a 'bucket' what has come back by itself is not given back again. Answers at once. Where it throws, or
     * the store cannot take the refund, the charge stands, a process warning (LATCHGATE_REFUND) says so, and for the store the
     * event 'store-error'. No part of authenticate().
     */
    refundOn?: (res: Response) => boolean;
    /**
     * The same name and the same kind of `by` are the same units, in whichever middleware of whichever Auth on the store, whatever
     * kinds of credentials it accepts; another rule, or kind of `by`, under a name that this Auth knows is
     * ERR_LATCHGATE_CONFIG. 1 to 64 printable ASCII characters without quotes and backslashes, default 'default'.
     */
    name?: string;
  };
  /** Where the RequestAuth is put. Default 'auth'. Names that Node or Express use are refused. */
  requestProperty?: string;
  /**
   * Called instead of answering; `denial.headers` are those that the answer should carry, in an object of its own. What it
   * throws goes to next(err). req[requestProperty] is undefined by then.
   */
  onDeny?: (denial: Denial, req: Request, res: Response, next: NextFunction) => void;
  /** True: next(), untouched. What it throws goes to next(err). */
  skip?: (req: Request) => boolean;
}

/**
 * A request refused. The default answer has the status, the headers (with Cache-Control: no-store), and the body
 * `{"error": code}` and no more: `reason`, which tells more, is for your own records and not for the client.
 *
 * | case | answer | WWW-Authenticate (RFC 6750 section 3) |
 * |---|---|---|
 * | no credentials | 401 credentials_required | `Bearer realm="…"`, `ApiKey realm="…"`, one for each kind accepted |
 * | header not readable, or two of a kind | 400 invalid_request | `Bearer …, error="invalid_request"` |
 * | bad, expired or revoked token; session ended or evicted | 401 invalid_token | `Bearer …, error="invalid_token"` |
 * | unknown, revoked, expired API key | 401 invalid_api_key | `ApiKey realm="…"` |
 * | scope missing | 403 insufficient_scope | `Bearer …, error="insufficient_scope", scope="…"` |
 * | session limit reached (first use) | 403 session_limit | |
 * | quota spent | 429 quota_exhausted, RateLimit, RateLimit-Policy, and Retry-After where it refills | |
 * | queue full, or no turn in time (serialize) | 429 busy, Retry-After | |
 * | user blocked | 403 blocked | |
 * | requireClaims() not met | 403 forbidden | |
 * | store cannot answer | 503 store_unavailable, Retry-After | |
 */
export interface Denial {
  code: string;
  status: number;
  reason: string;
  headers: Record<string, string>;
}

/** What the listeners of auth.on() get, by event. `observed`: it was decided in mode 'observe', and is not enforced. */
export interface AuthEvents {
  denied: {
    type: 'denied';
    code: string;
    status: number;
    reason: string;
    userId?: string;
    sessionId?: string;
    keyId?: string;
    observed?: true;
  };
  /** `active` is unknown where a quota of another slot has denied the request afterwards. */
  admitted: {
    type: 'admitted';
    userId: string;
    sessionId: string;
    active?: number;
    limit?: number;
    observed?: true;
  };
  evicted: { type: 'evicted'; userId: string; sessionId: string; observed?: true };
  revoked: {
    type: 'revoked';
    kind: 'token' | 'user' | 'block' | 'api_key' | 'session';
    userId?: string;
    tokenId?: string;
    keyId?: string;
    sessionId?: string;
    reason?: 'reused';
  };
  'lock-lost': { type: 'lock-lost'; key: string; fence: number; message: string };
  'store-error': { type: 'store-error'; message?: string };
  'store-recovered': { type: 'store-recovered'; message?: string };
}

/** What createAuth() returns. After close() its calls reject with ERR_LATCHGATE_CLOSED, and its middlewares call next() with it. */
export interface Auth {
  /**
   * A middleware for Express 4 and 5. On the embedded store it decides, and calls next(), in the same tick.
   * Faults go to next(err), with `status`: ERR_LATCHGATE_INPUT and _CONFIG 500, _CLOSED 503. A store that cannot answer is no
   * fault here, but a denial: see AuthOptions.onStoreError.
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: an option that is unknown or wrong, or no key. ERR_LATCHGATE_CLOSED.
   */
  middleware(policy?: Policy): RequestHandler;
  /**
   * All of these scopes, of a request that a middleware of this Auth has let through, whatever its requestProperty: else 401
   * credentials_required, or 403 insufficient_scope. Asks no store.
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no scope, or one outside RFC 6749 section 3.3.
   */
  requireScope(...scopes: string[] | [scopes: string[]]): RequestHandler;
  /**
   * Each named claim must be in the token itself and equal the value (strictly; objects and arrays member by member), or satisfy
   * the function: `{resource_id: (value, req) => value === req.params.id}`. Else 403 forbidden; without a decision of this Auth
   * 401. A function that returns a promise is ERR_LATCHGATE_INPUT to next(err).
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no claim, or a value that JSON cannot hold.
   */
  requireClaims(match: Record<string, unknown>): RequestHandler;
  /**
   * Holds the user's turn from here until the handler has ended the response (res.end(), also after the client has gone) or
   * maxHold passes: the requests of one user that pass here run one after the other, across every process. The credential is
   * asked for again in the step that grants the turn. Behind a middleware of this Auth, whatever its requestProperty; without
   * one 401. A client that hangs up while it waits leaves the queue, and its handler never runs; one that hangs up afterwards
   * aborts the signal of the lease, and frees nothing: the handler may still write. req.auth.runExclusive() inside it uses this
   * turn.
   *
   * 429 busy with Retry-After where the queue is full (reason 'queue_full') or no turn came in time ('no_turn'), 401 or 403
   * where the credential fell meanwhile, 503 where the store cannot answer: as the policy's onDeny says. A second serialize()
   * on a request that holds the turn is ERR_LATCHGATE_INPUT to next(err).
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: an option that is unknown or wrong. ERR_LATCHGATE_CLOSED.
   */
  serialize(options?: LockOptions): RequestHandler;
  /**
   * The middleware's decision without Express: for WebSockets, queues, other frameworks. `context` is handed to `limit`, `by` and
   * `cost`, `idempotencyKey` functions in place of req. Of the policy, getToken, optional, requestProperty, onDeny, skip and
   * quota.refundOn have no part in it. A
   * policy object is read once: later changes to it are not seen; the names of its quotas are remembered as long as the Auth lives.
   * Never throws; rejects with ERR_LATCHGATE_INPUT, _CONFIG or _CLOSED. A store that cannot answer is a denial, 503.
   * `apiKey`: a key, alone or beside a token. Here null and undefined mean that there is none: the values come from headers.
   */
  authenticate(
    credentials: { token?: string | null | undefined; apiKey?: string | null | undefined; context?: unknown },
    policy?: Policy,
  ): Promise<{ ok: true; auth: RequestAuth } | ({ ok: false } & Denial)>;

  sessions: Sessions;
  tokens: Tokens;
  apiKeys: ApiKeys;
  quotas: Quotas;
  locks: Locks;
  counters: Counters;
  /**
   * True for exactly one caller per key, across every process, until `ttl` (1 ms to 10 years) has passed; without it for ever.
   * The same `by` asking again gets true again, so that a lost answer can be asked for once more, and prolongs nothing. `key` and
   * `by`: 1 to 512 bytes of well-formed UTF-8. `by`: default 128 random bits, another with every call. Rejects with
   * ERR_LATCHGATE_INPUT, with _STORE_UNAVAILABLE or _STORE_TIMEOUT where the store cannot answer, and with _CLOSED.
   */
  once(key: string, options?: { ttl?: Duration; by?: string }): Promise<boolean>;
  /** Frees a key for the next caller. False, and nothing is done, where `by` does not hold it. Rejects as once() does. */
  onceRelease(key: string, by: string): Promise<boolean>;

  /**
   * Resolves when the store answers and, with jwt.jwksUri, keys are there; rejects with ERR_LATCHGATE_STORE_UNAVAILABLE or
   * _STORE_TIMEOUT where it does not, and, with store.strict, with _CONFIG where the server is not fit to keep what must not be
   * lost.
   */
  ready(): Promise<void>;
  /**
   * `ok`: whether ready() would resolve; of a Cluster, whether every node that serves slots answers, and every slot is served.
   * `store`: 'memory' or 'redis'. `topology`: what the store consists of. `primary`: where writes go, as host:port or the path of
   * a socket, of a Cluster all such nodes; absent of an embedded store, and before the first connection. `unreachable`: those
   * nodes of a Cluster that serve slots and cannot be reached. `replicas`: those of all primaries as they were asked now, with
   * the bytes that each has not confirmed; `online` is false while it is still given what was there before; absent where they
   * cannot be asked (INFO). `latencyMs`: of one question to the store, where it answered. `degraded`: it did not, and
   * onStoreError lets requests through meanwhile. `warnings`: what an operator should know about this store here, in sentences,
   * first why it does not answer; what the server's own settings, or values under the prefix that are damaged, give reason for is
   * also emitted, once, as a process warning (LATCHGATE_STORE). Rejects with ERR_LATCHGATE_CLOSED alone.
   */
  health(): Promise<{
    ok: boolean;
    store: string;
    topology: 'embedded' | 'standalone' | 'sentinel' | 'cluster';
    primary?: string | string[];
    unreachable?: string[];
    replicas?: Array<{ address: string; lagBytes: number; online: boolean }>;
    latencyMs?: number;
    degraded: boolean;
    warnings: string[];
  }>;
  /**
   * Counts of this Auth in this process as Prometheus text (exposition format 0.0.4): decisions by outcome and reason, calls to
   * the store, sessions, revocations, the cache of verified tokens. No label is by user, token, key or path. Never throws, also
   * once closed. Where the app has @opentelemetry/api, its meter `latchgate` has the same numbers. See docs/metrics.md.
   */
  metrics(): string;
  /**
   * The listener gets `type` and, frozen:
   * 'denied' with `code`, `status`, `reason`, and `userId`, `sessionId`, `keyId` where the credential itself stood;
   * 'admitted' with `userId`, `sessionId`, `active`, `limit`, when a session is, by first use, sessions.admit() or tokens.login();
   * 'evicted' with `userId`, `sessionId`, when one has made room for another, however that was admitted;
   * 'revoked' with `kind` ('token', 'user', 'block', 'api_key') and `userId`, `tokenId` or `keyId`, by a call of this process; and with
   * `kind` 'session', `reason` 'reused', `userId`, `sessionId`, where a spent refresh token has ended its session;
   * 'lock-lost' with `key` (of a user's turn the user id), `fence`, `message`, when a lease is lost before it was given up;
   * 'store-error' when the store stops answering, 'store-recovered' when it answers again, once each, with `message` where there is
   * more to say. What a listener throws is a process warning (LATCHGATE_LISTENER) and no more.
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no such event. _INPUT: no function. _CLOSED.
   */
  on<E extends keyof AuthEvents>(event: E, listener: (event: AuthEvents[E]) => void): this;
  /** Takes a listener off, the one added last where it was added twice. */
  off<E extends keyof AuthEvents>(event: E, listener: (event: AuthEvents[E]) => void): this;
  off(event: string, listener: (event: object) => void): this;
  /**
   * Waits for what is in flight; afterwards everything is ERR_LATCHGATE_CLOSED. May be called again. Calls in flight keep the
   * process alive; an idle Auth never does, closed or not. Sections that run under a turn are in flight, and keep the
   * process alive while close() waits; who waits for one is rejected at once, and what acquire() gave aborts its signal and runs out.
   */
  close(): Promise<void>;
}

/** req.auth. Cheap to make: claims are parsed when first read. Printing it, or turning it into JSON, never shows the token. */
export interface RequestAuth {
  /** The claim jwt.claims.userId; for another than the first of several issuers `iss + ' ' + sub`. Of a key its owner. */
  readonly userId: string;
  /** The claim jwt.claims.sessionId, else the token id: jti, or SHA-256 of the signing input as base64url. Of a key alone none. */
  readonly sessionId?: string;
  /** jti. */
  readonly tokenId?: string;
  /** Frozen all the way down. Of a key alone empty. */
  readonly claims: Claims;
  /** From `scope`, else from `scp`; of a key its own; of both those that both have. Frozen. */
  readonly scopes: readonly string[];
  /** Where a key was used. `metadata` is as it was found by this request; frozen. */
  readonly apiKey?: { keyId: string; ownerId: string; metadata?: unknown };
  /**
   * Where the session was checked. `active`: live sessions of the user, this one among them. `lastActiveAt`: this request,
   * by the store's clock; `previousActiveAt`: the one before it.
   */
  readonly session?: {
    active: number;
    limit?: number;
    createdAt: number;
    lastActiveAt: number;
    previousActiveAt: number;
  };
  /** The policy's, after this request; `resetAt`: when all units are back; null where none is to come back. */
  readonly quota?: { limit: number; remaining: number; resetAt: number | null };
  /** Checks were left out because of onStoreError: 'allow'; then `session` and `quota` are undefined. */
  readonly degraded: boolean;
  /** Mode 'observe': what would have been answered, the first time. Undefined where the request would have passed. */
  readonly observed?: Denial;
  /**
   * Aborts, with ERR_LATCHGATE_REVOKED as its reason, when token, session, user or key is revoked anywhere, or ends, while the
   * request is in flight: pushed where the store can, and asked for once a second besides, for all requests whose signal was
   * read, so that a message that is lost costs a second. While the store cannot answer it does not abort. Watched until the
   * response is over, or done().
   */
  readonly signal: AbortSignal;
  /**
   * Asks the store again, now; rejects with ERR_LATCHGATE_REVOKED where the credential no longer stands: revoked, expired, its
   * session over, its user blocked. Touches nothing. Rejects with _STORE_UNAVAILABLE or _STORE_TIMEOUT where the store cannot
   * answer.
   */
  assertValid(): Promise<void>;
  /**
   * Runs `fn` in the user's turn, as locks.runExclusive() does for a key, and only where the credential still stands when the turn
   * is granted (one step of the store; else ERR_LATCHGATE_REVOKED, and fn does not run): check and mutation become one unit,
   * behind which revokeUser({ barrier: true }) waits. Inside this user's own serialize() it uses that turn, and several run one
   * after the other; of the options `wait` and `signal` count there.
   */
  runExclusive<T>(fn: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /** After authenticate(): ends what `signal` watches; nothing aborts any more. A middleware does it when the response is over. */
  done(): void;
}

declare global {
  namespace Express {
    interface Request {
      /** Set by the middleware of latchgate: see RequestAuth. */
      auth?: RequestAuth;
    }
  }
}

/** The claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>;

/** auth.sessions. Every method rejects with ERR_LATCHGATE_INPUT for a bad id, option or value, and with _CLOSED after close(). */
export interface Sessions {
  /**
   * At most `limit` live sessions per user, exactly, whatever the number of concurrent callers. Admitting a live sessionId again
   * is idempotent (`existing`); an ended one never comes back ('session_ended'). `sessionId`: default a random one of 128 bits.
   * `device`: short strings to tell sessions apart, at most 4096 bytes as JSON. The rest defaults to AuthOptions.sessions;
   * `limit` is required where that one is a function.
   */
  admit(
    userId: string,
    options?: { sessionId?: string; device?: Record<string, string> } & Omit<
      SessionPolicy,
      'limit' | 'hardLimit' | 'admission'
    > & { limit?: number },
  ): Promise<Admission>;
  /** Marks a live session active; null where it is not live. `lastActiveAt` is the store's clock, and never goes backwards. */
  touch(userId: string, sessionId: string): Promise<Session | null>;
  /** False where there was no such live session of that user. */
  end(userId: string, sessionId: string): Promise<boolean>;
  /** Ends all sessions of the user but `except`, in one step. Resolves how many were ended. */
  endAll(userId: string, options?: { except?: string }): Promise<number>;
  /**
   * Lists live sessions, the most recently active first. The store is asked for 200 sessions at a time, so the list of a user
   * with more is no snapshot: a session that begins or ends meanwhile may be in it or not.
   */
  list(userId: string): Promise<Session[]>;
}

/** What an admission came to. `limit`: null for none. `retryAfterMs`: until a session may time out; null where unknown. */
export type Admission =
  | {
      admitted: true;
      session: Session;
      active: number;
      limit: number | null;
      evicted: Session[];
      existing: boolean;
    }
  | {
      admitted: false;
      reason: 'session_limit' | 'session_ended' | 'blocked';
      active: number;
      limit: number | null;
      retryAfterMs: number | null;
    };

/** A live session, or one that was just evicted. `expiresAt`: when it ends without further activity. */
export interface Session {
  sessionId: string;
  userId: string;
  createdAt: number;
  lastActiveAt: number;
  expiresAt: number;
  device?: Record<string, string>;
}

/**
 * auth.tokens. Token id: jti, else SHA-256 of the signing input. Where `jwt.issuer` lists several, token ids are scoped by iss
 * (revokeId and isRevoked need it), and the user id is sub for the first issuer (ours), else `iss + ' ' + sub`: it is what
 * req.auth.userId says and every function takes. A sub of the first issuer that begins with a listed issuer and a space is
 * refused. Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _CONFIG where a key is needed and none is
 * configured, and with _CLOSED after close().
 */
export interface Tokens {
  /**
   * Signs a token with iat, exp, jti and `gen` (the store's microseconds, by which revokeUser() tells old from new).
   * `claims` are JSON values and may not name a registered claim (RFC 7519 section 4.1), `gen`, `lgs`, or the user id and session
   * id claims. `scope`: one or several. `ttl`: default jwt.accessTtl, at most jwt.maxAge. Admits no session.
   */
  issue(
    userId: string,
    options?: { sessionId?: string; claims?: object; scope?: string | string[]; ttl?: Duration },
  ): Promise<string>;
  /** Signature and claims only, not whether it was revoked. The claims, frozen, or null where the token does not stand. */
  verify(token: string): Promise<Claims | null>;
  /**
   * Until exp + clockTolerance. After it resolves, the token is accepted nowhere. False where it had expired or its signature
   * does not verify.
   */
  revoke(token: string): Promise<boolean>;
  /** The same by id. `expiresAt`: the token's exp in milliseconds. `iss`: needed where jwt.issuer lists several. */
  revokeId(id: { jti: string; userId: string; expiresAt: number; iss?: string }): Promise<boolean>;
  /**
   * By id, by revokeUser() or by block; neither sessions nor expiry are looked at. A token whose signature or claims do not stand is
   * revoked: true. Of an id alone, without the token, it cannot be said when it was issued.
   */
  isRevoked(token: string | { jti: string; userId: string; iss?: string }): Promise<boolean>;
  /**
   * Ends every session and every token of the user issued before now. Of our own tokens `gen` decides, so that a login straight
   * afterwards works. Foreign tokens fall that have an iat up to the end of this second + issuerClockLead, and tokens of the
   * user that were accepted before. Not covered: a token of an issuer whose clock leads ours, issued before the revocation and
   * never used, while no accepted token has shown that lead yet.
   * `apiKeys: true`: API keys created before now fall too ('revoked'); one created straight afterwards stands.
   *
   * `barrier: true`: resolves when no turn of the user (req.auth.runExclusive, serialize) that was granted before is held any
   * more, ahead of everybody who waits; those who wait are denied when their turn comes. `fence` is above that of every turn
   * before, and below that of every one after. Called inside the user's own turn it does not wait for itself, and the fence is
   * that turn's. `wait` (0 to '1h', default '5s') bounds it: then ERR_LATCHGATE_BUSY, and the revocation stands, as it does where
   * the store cannot answer meanwhile. A process that is stopped can outlive its lease: write `fence` to the rows that it guards.
   */
  revokeUser(
    userId: string,
    options?: { barrier?: boolean; wait?: Duration; apiKeys?: boolean },
  ): Promise<{ sessionsEnded: number; fence?: number }>;
  /**
   * revokeUser() that lasts: tokens, whoever issues them, and admissions are denied until unblockUser() or `until`. A block
   * that stands and lasts longer is not shortened by another. `barrier` and `wait` as there.
   */
  blockUser(
    userId: string,
    options?: { until?: number; barrier?: boolean; wait?: Duration },
  ): Promise<{ sessionsEnded: number; fence?: number }>;
  /** False where the user was not blocked. What the block has ended stays ended. */
  unblockUser(userId: string): Promise<boolean>;
  /** Returns whether blockUser() denies the user now. */
  isBlocked(userId: string): Promise<boolean>;
  /**
   * Admits a session and begins its refresh family in one atomic step, and then signs the tokens: an access token of
   * jwt.accessTtl, whose session is always looked at and which is never admitted by first use, and a refresh token, of which the
   * store keeps a hash. `limit`, `onLimit`, `device` as of sessions.admit(); the timeouts are those of AuthOptions.sessions.
   * `claims` and `scope` as of issue(), and for the access tokens of later refreshes too; a scope is given by `scope` alone.
   *
   * `sessionId`: default a random one. One that is known, live or ended, by whichever way, is ERR_LATCHGATE_INPUT: nobody logs in to
   * a session that somebody else has named.
   * `requestId`: a retry with the same one, as long as the session lives, gets fresh tokens for the same slot (`existing`), whatever
   * sessionId it names; the refresh token that it got earlier is spent ('invalid', and after the grace window 'reused'), the access
   * token stands. Without it, a login whose answer was lost keeps its slot until the session times out.
   *
   * `expiresAt`: when the access token expires. `refreshExpiresAt`: when the refresh token does, unless its session ends before.
   */
  login(
    userId: string,
    options?: {
      requestId?: string;
      claims?: object;
      scope?: string | string[];
      sessionId?: string;
      limit?: number;
      onLimit?: 'reject' | 'evict-oldest';
      device?: Record<string, string>;
    },
  ): Promise<
    | {
        ok: true;
        accessToken: string;
        refreshToken: string;
        expiresAt: number;
        refreshExpiresAt: number;
        admission: Extract<Admission, { admitted: true }>;
      }
    | ({ ok: false } & Extract<Admission, { admitted: false }>)
  >;
  /**
   * A refresh token works once: it makes way for a successor, touches its session, and is spent. Within refresh.graceWindow all who
   * bring it, racers and those who got no answer, in whichever process, are given the live token that it has led to; their access tokens
   * differ. After that it ends the session, because either the client or a thief holds a stale one: 'reused', and the event 'revoked'.
   * 'expired': the token or its session has come to its time. 'revoked': the session was ended or evicted, or the user revoked or
   * blocked. 'invalid': all that is no authentic token of a known family; nothing is done. A spent token is told as reused while its
   * session lives, however old it is. OAuth calls each of them invalid_grant.
   *
   * `claims` and `scope`: default what the login said; given ones are for this access token alone. Where one of them and what the
   * login said of the other are too long for a token, ERR_LATCHGATE_INPUT comes after the token was spent: ask again with less
   * within the grace window. `expiresAt` as of login().
   * Where the store's answer was lost (ERR_LATCHGATE_STORE_TIMEOUT) ask again with the same token within the grace window.
   */
  refresh(
    refreshToken: string,
    options?: { claims?: object; scope?: string | string[] },
  ): Promise<
    | { ok: true; accessToken: string; refreshToken: string; expiresAt: number; refreshExpiresAt: number }
    | { ok: false; reason: 'invalid' | 'expired' | 'revoked' | 'reused' }
  >;
  /**
   * Ends the session, and with it its access tokens and its refresh family. Takes an access token, which may have expired but must
   * be authentic, a refresh token, which may have been spent, or what stands on the request. True where the session lived; of a
   * foreign token whose session was never seen nothing is ended. A token whose session is not looked at is revoked itself instead,
   * as by revoke(). ERR_LATCHGATE_INPUT: the request had an API key alone.
   */
  logout(tokenOrAuth: string | RequestAuth): Promise<boolean>;
}

/**
 * auth.apiKeys. Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or _STORE_TIMEOUT where
 * the store cannot answer, and with _CLOSED after close().
 */
export interface ApiKeys {
  /**
   * The key is returned once; the store keeps only its hash. `key` imports an existing one: 16 to 512 printable ASCII characters
   * without spaces and commas; one that is known, or of the form of ours, is ERR_LATCHGATE_INPUT. `name`: up to 512 bytes. `metadata`:
   * a JSON value of up to 4 KiB. `expiresAt`: epoch milliseconds, by the store's clock.
   */
  create(options: {
    ownerId: string;
    key?: string;
    name?: string;
    scopes?: string[];
    quota?: QuotaRule;
    expiresAt?: number;
    metadata?: unknown;
  }): Promise<{ key: string; keyId: string }>;
  /**
   * Validity, expiry, quota and last use in one atomic step. A denied check burns nothing; cost 0 only looks, and is no use. Of several
   * reasons the first applies, in the order of the type. `idempotencyKey`: within 24 h charged once, of this key; with another cost
   * ERR_LATCHGATE_INPUT. `quota` where the key has one and nothing else denies. Any string may be asked about.
   */
  check(
    key: string,
    options?: { cost?: number; idempotencyKey?: string; scope?: string | string[] },
  ): Promise<
    | {
        valid: true;
        keyId: string;
        ownerId: string;
        scopes: string[];
        metadata?: unknown;
        quota?: Consumption;
      }
    | {
        valid: false;
        code: 'not_found' | 'revoked' | 'blocked' | 'expired' | 'insufficient_scope' | 'quota_exhausted';
        quota?: Consumption;
      }
  >;
  /**
   * Another secret under the same id. Old and new share one quota while the old one still works; `grace`: default 0, up to a year.
   * One old secret at a time; what came before it is 'revoked' (eight are remembered). An unknown or revoked keyId is
   * ERR_LATCHGATE_INPUT.
   */
  rotate(keyId: string, options?: { grace?: Duration }): Promise<{ key: string; keyId: string }>;
  /** After it resolves, no process accepts the key. False where it did not stand, or is unknown. Listed for 30 days more. */
  revoke(keyId: string): Promise<boolean>;
  /** Tops up a balance without a race. Without a 'balance', or beyond 2^53 - 1 in all: ERR_LATCHGATE_INPUT. */
  addQuota(keyId: string, units: number, options?: { idempotencyKey?: string }): Promise<Consumption>;
  /**
   * What is not named stays; null ends an expiry, or takes metadata away. Units used stay, unless the quota's algorithm becomes
   * another. An unknown keyId is ERR_LATCHGATE_INPUT.
   */
  update(
    keyId: string,
    patch: {
      name?: string;
      scopes?: string[];
      quota?: QuotaRule;
      expiresAt?: number | null;
      metadata?: unknown;
    },
  ): Promise<ApiKeyInfo>;
  get(keyId: string): Promise<ApiKeyInfo | null>;
  /** The oldest first; keys that have ended for 30 days more. */
  list(ownerId: string): Promise<ApiKeyInfo[]>;
}

/**
 * An API key without its secret. `start`: its first characters, for people to know it by. `lastUsedAt`: when it was last let through
 * at a cost. `revoked`: itself, or with all of its owner's.
 */
export interface ApiKeyInfo {
  keyId: string;
  ownerId: string;
  name?: string;
  start: string;
  scopes: string[];
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
  revoked: boolean;
  quota?: Consumption;
  metadata?: unknown;
}

/**
 * 'balance': a prepaid amount that never refills. 'window': `limit` per fixed window, which starts at its first charge. 'bucket':
 * `limit` of burst, refilled evenly over `window` (GCRA): a unit is back every window / limit, rounded up to whole microseconds.
 * Default: 'window' where a window is given, else 'balance'.
 *
 * `limit`: an integer from 1 to 2^53 - 1; of a 'bucket' at most the window in microseconds. `window`: 1 ms to 10 years. Units used
 * are what is kept: a changed limit acts at once, and below what is used nothing is left. A clock that is set back brings no unit
 * back, and takes none.
 */
export interface QuotaRule {
  limit: number;
  window?: Duration;
  algorithm?: 'balance' | 'window' | 'bucket';
}

/**
 * What a charge came to. `limit`: with what a balance was topped up by. `resetAt`: when all units are back; null where none is to
 * come back. `retryAfterMs`: of a denial, until the cost is there; null where asking again never helps. `receipt`: of a direct
 * charge, for refund(). `replayed`: the same was charged before under the idempotencyKey, and is told again.
 */
export interface Consumption {
  allowed: boolean;
  limit: number;
  remaining: number;
  resetAt: number | null;
  retryAfterMs: number | null;
  receipt?: string;
  replayed?: boolean;
}

/**
 * auth.quotas: under keys of your own, 1 to 512 bytes of well-formed UTF-8, which never meet the quotas of policies. Every method
 * rejects with ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or _STORE_TIMEOUT where the store cannot answer,
 * and with _CLOSED after close().
 */
export interface Quotas {
  /**
   * Never grants more than the limit, never goes below zero, burns nothing when it denies. `cost`: an integer from 0, which only
   * looks, to 2^53 - 1; default 1; more than the limit is a denial. A 'balance', a 'window' and a 'bucket' under one key are three
   * quotas. `idempotencyKey`: 1 to 512 bytes of well-formed UTF-8; within 24 h the same one charges this key once, and is answered
   * the same again (`replayed`), its receipt too. Only charges are remembered; with another cost or rule it is
   * ERR_LATCHGATE_INPUT. After _STORE_TIMEOUT the same call with the same key is safe.
   */
  consume(
    key: string,
    rule: QuotaRule,
    options?: { cost?: number; idempotencyKey?: string },
  ): Promise<Consumption>;
  /**
   * Tops up a 'balance' (ERR_LATCHGATE_INPUT for another rule) by an integer from 1; the limit and all top-ups together may not
   * exceed 2^53 - 1 (_INPUT, nothing done). Of a caller who asks again with the same `idempotencyKey` within 24 h only the first
   * counts.
   */
  add(
    key: string,
    rule: QuotaRule,
    units: number,
    options?: { idempotencyKey?: string },
  ): Promise<Consumption>;
  /**
   * Gives a charge back, once, and forgets its idempotencyKey. False: it was given back before, is 24 h old, its window has passed
   * (of a 'bucket': so long after the charge), the quota was reset since, or of a 'bucket' all its units have come back by
   * themselves; where some have, the rest is given back. What is no receipt of this store is ERR_LATCHGATE_INPUT.
   */
  refund(receipt: string): Promise<boolean>;
  /** What a charge of 0 would come to: nothing is taken. */
  peek(key: string, rule: QuotaRule): Promise<Consumption>;
  /** Forgets charges and top-ups of a key, of its 'balance', 'window' and 'bucket'. False where there was nothing to forget. */
  reset(key: string): Promise<boolean>;
}

/** How a turn is waited for and held. Reasons for the defaults: docs/turns.md. */
export interface LockOptions {
  /**
   * Length of the lease, default '3s' ('100ms' where `fair` is false); 10 ms to a day, and never beyond maxHold. A turn that the
   * store takes longer than half of it to grant is given up at once, and asked for again.
   */
  ttl?: Duration;
  /** Renewed at every third of it until it is given up. Default true. */
  autoExtend?: boolean;
  /** However long the work takes, the lease ends here; 10 ms to a day, default '30s'. */
  maxHold?: Duration;
  /** Longest wait for a turn; 0 (only where it is free) to '1h', default '5s'. A question under way is waited for. */
  wait?: Duration;
  /** Waiters per key in this process; 0 to 1,000,000, default 200. One more is ERR_LATCHGATE_QUEUE_FULL at once. */
  maxQueue?: number;
  /**
   * Default true: first come, first served, across processes. false: no queue, but up to `retries` attempts with pauses of full
   * jitter, doubled up to a second, within `wait`.
   */
  fair?: boolean;
  /** Attempts where `fair` is false; 1 to 1000, default 3. */
  retries?: number;
  /** Leaves the queue; the order of the others stands. Rejects with the signal's reason. What is held is held. */
  signal?: AbortSignal;
}

/** A turn that is held. */
export interface Lease {
  /** Of a user's turn the user id. */
  readonly key: string;
  /**
   * Grows with every turn of the key, whatever expires, restarts or fails over: store it with what you write, and refuse a smaller
   * one. Below 2^53.
   */
  readonly fence: number;
  /**
   * Aborts, with ERR_LATCHGATE_LEASE_LOST as its reason, where the lease is lost: before it ends, where it cannot be renewed, and
   * at maxHold. Under serialize() also, with an AbortError, where the client hangs up: then the lease is held all the same.
   */
  readonly signal: AbortSignal;
  /** By this process's clock. It moves on as the lease is renewed. */
  readonly expiresAt: number;
  /**
   * Makes the lease last at least so long from now (1 ms to a day), cut to maxHold. False where it is not held any more: what has
   * ended is never revived.
   */
  extend(by: Duration): Promise<boolean>;
}

/**
 * auth.locks. Both methods reject with ERR_LATCHGATE_INPUT for a bad argument, with _BUSY where no turn came in time, _QUEUE_FULL,
 * and _CLOSED after close(). With _STORE_UNAVAILABLE where the store cannot be reached to begin with; a store that goes while
 * somebody waits is asked again for as long as the wait lasts.
 */
export interface Locks {
  /**
   * One at a time per key (1 to 512 bytes of well-formed UTF-8), across every process, first come first served: those of one
   * process in the order of their calls. Keys here never meet users' own turns. What `fn` throws reaches the caller alone, and the
   * turn goes on; where it finished without the lease, its result is discarded: ERR_LATCHGATE_LEASE_LOST. Called inside a section
   * of the same key, and the same asynchronous context: ERR_LATCHGATE_INPUT.
   */
  runExclusive<T>(key: string, fn: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /**
   * The same without a function: `await using lease = await auth.locks.acquire(key)`, or release() it. Renewed until then, or
   * until maxHold. It does not see that it is called inside a section of the same key: ERR_LATCHGATE_BUSY. release(): false where
   * the lease was not held any more.
   */
  acquire(
    key: string,
    options?: LockOptions,
  ): Promise<Lease & { release(): Promise<boolean> } & AsyncDisposable>;
}

/**
 * auth.counters: bounded counters of a user, for balances, bonuses and progress. Values, deltas and bounds are integers from
 * -(2^53 - 1) to 2^53 - 1, and a sum beyond them is never applied. One that was never changed is 0; they have no end. Names are 1
 * to 512 bytes of well-formed UTF-8.
 *
 * `idempotencyKey` (1 to 512 bytes; add() and apply() share a user's): the same key within 24 h applies once and answers the same
 * again, with `replayed`. Only what was applied, and changed something, is remembered: a refusal is decided anew. The same key
 * with another delta, bound or name, or with the other method, is ERR_LATCHGATE_INPUT.
 *
 * Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or _STORE_TIMEOUT where the store
 * cannot answer, and with _CLOSED after close().
 */
export interface Counters {
  /**
   * Applied whole or not at all: where the value would leave [min, max], `applied` is false and `value` what stands. A value that
   * lies outside already, because the bounds have changed, may come back within; where it is now does not matter. A delta of 0
   * looks.
   */
  add(
    userId: string,
    name: string,
    delta: number,
    options?: { min?: number; max?: number; idempotencyKey?: string },
  ): Promise<{ applied: boolean; value: number; replayed?: boolean }>;
  /**
   * 1 to 64 counters of one user, each named once: all changes or none, and `values` of all of them, as after it or as they
   * stand. With `auth`, only while it still stands, asked for in the same atomic step: else rejects with ERR_LATCHGATE_REVOKED,
   * and nothing is done. It stands while its token has not expired, nor been revoked by id, with the user or by a block, and, where
   * this Auth checks sessions, while its session lives (one that was let through while the store was away, and never admitted,
   * does not); an API key while it is neither revoked nor expired, its secret has not been replaced, and its owner is not blocked;
   * of a token and a key, while both do. Sessions, quotas and lastUsedAt are not touched. The credential comes first: of an
   * answer that is remembered nobody hears who may not act. `auth` is a RequestAuth of this Auth and of this user; undefined, as an
   * optional middleware leaves it, is ERR_LATCHGATE_INPUT: leave the option out where nothing is to be asked.
   */
  apply(
    userId: string,
    changes: Array<{ name: string; delta: number; min?: number; max?: number }>,
    options?: { idempotencyKey?: string; auth?: RequestAuth },
  ): Promise<{ applied: boolean; values: Record<string, number>; replayed?: boolean }>;
  /** The value; 0 where there is none. */
  get(userId: string, name: string): Promise<number>;
}

/**
 * Every fault. `code` says which; `status` is what an HTTP error handler should answer.
 *
 * | code | status | |
 * |---|---|---|
 * | ERR_LATCHGATE_CONFIG | 500 | an option that is unknown or wrong; no key; no binary for this platform |
 * | ERR_LATCHGATE_INPUT | 500 | an argument, or what a function option returned |
 * | ERR_LATCHGATE_CLOSED | 503 | after close() |
 * | ERR_LATCHGATE_STORE_UNAVAILABLE | 503 | the store cannot be reached: nothing was done |
 * | ERR_LATCHGATE_STORE_TIMEOUT | 503 | the store did not answer in time: the outcome is unknown |
 * | ERR_LATCHGATE_BUSY | 429 | no turn in time |
 * | ERR_LATCHGATE_QUEUE_FULL | 429 | too many wait for a turn |
 * | ERR_LATCHGATE_LEASE_LOST | 500 | the work finished without its lease |
 * | ERR_LATCHGATE_REVOKED | 401 | the credential no longer stands |
 */
export class LatchgateError extends Error {
  constructor(code: string, message: string, details?: { retryAfterMs?: number; cause?: unknown });
  readonly code: string;
  readonly status: number;
  /** Where asking again may help. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}
