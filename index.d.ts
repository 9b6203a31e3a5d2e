// The public contract of latchgate: every name, and its meaning. Written by hand; the implementation is src/js.
//
// A denial is a value, a fault is an error. Functions that decide resolve with a result that says no. They reject (or throw)
// only with a LatchgateError.
// Durations are whole milliseconds, or strings such as '250ms', '30s', '15m', '12h', '7d'. Instants are epoch milliseconds.
// User, session, token and issuer ids are well-formed strings of 1 to 512 bytes of UTF-8. In a token, and in values for a
// token, they have no control characters.
//
// An option that is present but undefined is refused like a wrong value: `{ issuer: process.env.ISSUER }` without the variable
// must not remove a check. Leave the option out instead. The same holds for idempotency keys. Exceptions:
// - A whole options argument that is undefined is the same as no argument.
// - The credentials of authenticate() come from headers, so undefined means none.
// - The result of a function option has the meaning that its comment gives.
// The compiler finds such options with exactOptionalPropertyTypes, which changes nothing else.

import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** A duration: whole milliseconds, or a whole number with a unit: 'ms', 's', 'm', 'h' or 'd'. */
export type Duration = number | string;

/** The version of this package, as in its package.json. */
export const version: string;

/**
 * Returns a middleware with its Auth on `.auth`: `createAuth(options).middleware(options)` in one call.
 *
 * Options that you leave out come from the environment: LATCHGATE_STORE, LATCHGATE_JWT_SECRET, LATCHGATE_JWT_PUBLIC_KEY,
 * LATCHGATE_JWKS_URI, LATCHGATE_ISSUER, LATCHGATE_AUDIENCE, LATCHGATE_SESSION_LIMIT. LATCHGATE_JWT_PUBLIC_KEY is PEM, in
 * which a line end may be written as `\n`, or a JWK as JSON. The key variables count only if `jwt` holds no key. A variable
 * that is set but empty is refused.
 *
 * With `sessions`, or with LATCHGATE_SESSION_LIMIT, the middleware admits sessions by first use unless `sessions.admission`
 * says otherwise. So tokens of another issuer pass. With neither, the middleware checks sessions only for tokens of
 * tokens.login().
 *
 * @throws LatchgateError ERR_LATCHGATE_CONFIG, immediately: an unknown or wrong option, no key for tokens although tokens
 * are accepted, or no binary for this platform.
 */
export function authMiddleware(options?: AuthOptions & Policy): RequestHandler & { auth: Auth };

/**
 * Returns an Auth: a store, the keys, and all calls that use them. Reads the environment as authMiddleware() does.
 *
 * Without a key for tokens these work: `sessions.*`, `apiKeys.*`, `quotas.*`, `counters.*`, `once`, `tokens.revokeId`,
 * `revokeUser`, `blockUser`, `unblockUser`, and policies that accept API keys alone. Every call that reads a token is
 * ERR_LATCHGATE_CONFIG.
 *
 * @throws LatchgateError ERR_LATCHGATE_CONFIG, immediately: an unknown or wrong option, or no binary for this platform.
 */
export function createAuth(options?: AuthOptions): Auth;

/**
 * The options of an Auth. An unknown name or a value out of range is ERR_LATCHGATE_CONFIG. The message names the option and
 * the cure.
 */
export interface AuthOptions {
  /**
   * The store, as a URL or by its parts. Default 'memory:'. No message of latchgate repeats the URL.
   *
   * - 'memory:' belongs to this Auth alone. 'memory:name' is shared by all Auths of the process, worker threads included. A
   *   restart loses an embedded store, revocations included. Other processes do not see it.
   * - 'redis://host:port/db', 'rediss://…' (TLS) or 'redis+unix:///path' (not on Windows): one Redis or Valkey server,
   *   which all processes share. Write user:password@ before the host if the server needs them.
   * - 'redis-sentinel://h1:p,h2:p/db?master=name': the primary that these Sentinels name. Default port 26379. The Sentinels
   *   are asked again every second and after every connection loss. user:password@ is for the servers.
   *   `&sentinel_username=` and `&sentinel_password=` are for the Sentinels.
   * - 'redis-cluster://h1:p,h2:p': a Cluster, found through any of these nodes. Default port 6379. A Cluster has database 0
   *   only.
   * - 'rediss-sentinel://' and 'rediss-cluster://': the same with TLS on every connection.
   */
  store?: string | StoreOptions;
  jwt?: JwtOptions;
  sessions?: SessionPolicy;
  /**
   * API keys in requests. If you give this option, {} included, every policy without `credentials` accepts API keys.
   *
   * `header`: the header that carries the key. Default 'x-api-key'. A header of which Node keeps only the first value, such
   * as authorization, is refused. `prefix`: the start of the keys that create() makes: 1 to 32 letters, digits, '-' and
   * '_'. Default 'lg'. Keys made with another prefix stay valid.
   */
  apiKeys?: { header?: string; prefix?: string };
  /**
   * The refresh tokens of tokens.login() and tokens.refresh().
   *
   * `ttl`: the life of a refresh token. Default: the session's absoluteTimeout. A refresh token never outlives its session.
   * `graceWindow`: how long a used refresh token still returns its successor. Default '10s', maximum '1h'. With 0, a client
   * that lost the response cannot retry.
   */
  refresh?: { ttl?: Duration; graceWindow?: Duration };
  /**
   * The behavior of a check while the store cannot answer. Default 'deny': 503 store_unavailable.
   *
   * 'allow' lets a request through with `req.auth.degraded`, but only if every check that the request needs says 'allow'.
   * Every request needs `revocation` (user, token and block). A request whose session is checked needs `sessions`. A policy
   * with a quota needs `quota`. Signature, claims and scopes are always checked. A request with an API key is always
   * denied, and direct calls always reject.
   */
  onStoreError?:
    | 'deny'
    | 'allow'
    | { revocation?: 'deny' | 'allow'; sessions?: 'deny' | 'allow'; quota?: 'deny' | 'allow' };
  /**
   * Whether decisions are enforced. Default 'enforce'.
   *
   * 'observe' decides in full and denies nothing. Middlewares, guards and serialize() always call next(), serialize() takes
   * no turn, and the response does not change. The event 'denied' (with `observed: true`), metrics (outcome 'observed') and
   * `req.auth.observed` report the denial. onDeny is not called. Revocations, blocks, API keys, counters and turns are
   * real. Sessions, refresh families and quota charges are stored separately (`<prefix>.observe`), also in direct calls. A
   * request takes two commands on a server. See docs/observe.md.
   */
  mode?: 'enforce' | 'observe';
  /**
   * The realm of the WWW-Authenticate header: 1 to 256 printable ASCII characters without quotes and backslashes. Default
   * 'api'.
   */
  realm?: string;
}

/** A store by its parts. */
export interface StoreOptions {
  /** The URL, as in AuthOptions.store. */
  url: string;
  /**
   * The prefix of every key: 1 to 64 characters of A-Z a-z 0-9 . _ -. Default 'lg'. For 'memory:name' it is
   * ERR_LATCHGATE_CONFIG: put it into the name.
   */
  prefix?: string;
  /** The longest wait for an answer: 1 ms to '1h'. Default '1s'. An embedded store answers without waiting. */
  commandTimeout?: Duration;
  /** The longest wait for a connection: 1 ms to '1h'. Default '2s'. An embedded store needs none. */
  connectTimeout?: Duration;
  /**
   * The number of replicas that must hold a write before its call resolves. Default 0. More than 0 is ERR_LATCHGATE_CONFIG
   * for an embedded store.
   *
   * These writes wait: revocations (API keys included), blocks, explicit admissions and logins, ended sessions (logout(),
   * sessions.end(), endAll()), every refresh(), and acquired turns. A refresh waits because it spends a token, or ends the
   * session of a reused token. Too few replicas within half of commandTimeout is ERR_LATCHGATE_STORE_TIMEOUT. The write
   * stays. A repeated call waits again.
   */
  acks?: number;
  /**
   * Makes ready() reject if the server may evict keys, has no persistence, or may not be inspected, and for an embedded
   * store. By default health() warns.
   */
  strict?: boolean;
}

/**
 * The keys and the rules for tokens. Use one kind of key: `secret` alone; `publicKey`, `privateKey` or both as a pair; or
 * `jwks`, which `privateKey` may join.
 *
 * Each key verifies only with the algorithms of its own type (RFC 8725 section 3.1). RSA keys have 2048 bits or more. A
 * secret has at least as many bytes as the hash (RFC 7518 section 3.2). A token has at most 8 KiB.
 */
export interface JwtOptions {
  /**
   * The secret for HS256 (32 bytes or more), HS384 (48) and HS512 (64). Verifies and signs. PEM and JWK are refused. The
   * type includes undefined so that `process.env.NAME` compiles; the value undefined is ERR_LATCHGATE_CONFIG.
   */
  secret?: string | Buffer | undefined;
  /**
   * The public key: PEM (SPKI, PKCS#1 or a certificate), a JWK as object or JSON, or a public KeyObject. A private key is
   * refused.
   */
  publicKey?: string | object;
  /**
   * The private key for tokens.issue(): PEM (PKCS#8, PKCS#1 or SEC1, not encrypted), a JWK as object or JSON, or a private
   * KeyObject. Alone, its public half verifies. With `publicKey`, both must be one pair.
   */
  privateKey?: string | object;
  /**
   * A key set. The `kid` of a token selects the key (RFC 7515 section 4.1.4). Without `kid`, the key must be the only key
   * for the algorithm. Symmetric and private keys are refused. Keys for other purposes are skipped. `privateKey` joins the
   * set under its own kid, else under its thumbprint (RFC 7638).
   */
  jwks?: { keys: object[] };
  /**
   * The URL of a key set, in place of secret, publicKey and jwks: https, or http to loopback only. No redirects, 5 s, 256
   * KiB.
   *
   * The set is fetched at the start, and requests wait for it. It is fetched again when it is no longer fresh
   * (Cache-Control, between 1 minute and 1 hour, else 10 minutes). It is also fetched when a token names an unknown key, at
   * most every 30 s. Tokens of a key that is no longer in the set become invalid. While the endpoint does not answer, its
   * keys serve for a day. After that, and for unknown keys, the answer is 503, never 401. Keys that cannot verify are
   * skipped. `privateKey` always verifies the tokens that it signs. See docs/jwks.md.
   */
  jwksUri?: string;
  /**
   * The accepted algorithms, of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA.
   * Default: every algorithm that the type of the key allows, never more. 'none' is refused, and so is an algorithm that no
   * configured key supports.
   */
  algorithms?: string[];
  /**
   * The accepted `iss`. The first is this app: issue() writes it. Default: not checked. For several issuers, see Tokens.
   */
  issuer?: string | string[];
  /** The accepted `aud`. A token must name one of them; issue() writes the first. Default: not checked. */
  audience?: string | string[];
  /** The accepted difference between clocks: 0 to '1h'. Default 0. */
  clockTolerance?: Duration;
  /**
   * The lead of an issuer's clock over the store's clock, for revokeUser() and blockUser(). 'observed' (default): the
   * largest lead that accepted tokens of that issuer showed in the last 24 hours. A duration from 0 to '1h' fixes it.
   * Tokens of this app are not affected. See revokeUser().
   */
  issuerClockLead?: 'observed' | Duration;
  /**
   * The longest life (exp - iat) of an accepted token: '1s' to 200 years. Default '24h'. A token without iat, or with an
   * iat later than now + clockTolerance + 60 s, is refused. The revocation of a user is remembered for maxAge + 2 x
   * clockTolerance + 60 s, so that it outlives every token that it revokes.
   */
  maxAge?: Duration;
  /** Required claims, in addition to exp, iat and the user id, which are always required. */
  requiredClaims?: string[];
  /**
   * The names of claims. `userId`: default 'sub'. `sessionId`: default 'sid'. A token without a session id is a session of
   * its own, under its token id. The process is warned of this once (LATCHGATE_SESSION_IS_TOKEN).
   */
  claims?: { userId?: string; sessionId?: string };
  /** The life of the tokens of issue(), at most maxAge. Default '15m', or maxAge if that is shorter. */
  accessTtl?: Duration;
}

/** The number of sessions of a user, and their life. */
export interface SessionPolicy {
  /**
   * The limit of live sessions per user: an integer from 0 to 4294967295 (2^32 - 1). Default: no limit.
   *
   * A function is called for each request that may admit by first use, after the token is verified and before the store is
   * asked. An exception that it throws goes to next(err). A value that is no such integer, a promise included, is
   * ERR_LATCHGATE_INPUT to next(err).
   */
  limit?: number | ((claims: Claims, req: Request) => number);
  /**
   * The most live sessions of a user, regardless of `limit`: an integer from 1 to 4294967295. Default 10000. A user at the
   * hard limit is treated as at the limit (reason 'session_limit', or `onLimit: 'evict-oldest'`).
   */
  hardLimit?: number;
  /**
   * The behavior at the limit: 'reject' (default), or 'evict-oldest', which ends the least recently active session. On a
   * server, an admission that must evict more than 100 sessions (after the limit was lowered) evicts 100 at a time and
   * names only the last of them.
   */
  onLimit?: 'reject' | 'evict-oldest';
  /** The life of a session without activity: 1 ms to 10 years. Default '30m'. */
  idleTimeout?: Duration;
  /** The whole life of a session, which activity does not extend: 1 ms to 10 years. Default '12h'. */
  absoluteTimeout?: Duration;
  /**
   * How sessions are admitted. 'explicit': only sessions of sessions.admit() and login() pass. 'first-use': the middleware
   * admits an unknown session in the same atomic step.
   *
   * Default of createAuth() with `sessions`: 'explicit'. Default of createAuth() without `sessions`: only tokens of login()
   * are session-checked, regardless of LATCHGATE_SESSION_LIMIT. Default of authMiddleware(): 'first-use'.
   *
   * A session that was ended, evicted or timed out is never admitted again (reason 'session_ended'). It is remembered from
   * its end for the longer of absoluteTimeout and maxAge + 2 x clockTolerance + 60 s. A refused token extends nothing.
   */
  admission?: 'explicit' | 'first-use';
}

/**
 * The requirements of one middleware. The store decides them in one atomic step, all or nothing.
 *
 * Exception on Redis: a quota whose `by` is a function is charged second. If it denies, no quota stays charged, but touch
 * and first-use admission stay. Of several reasons to deny, the first in this order applies: header, token or key itself,
 * blocked, revoked or ended, scope, session limit, quota. Function options must be synchronous: an async function or a
 * promise is refused.
 */
export interface Policy {
  /**
   * The accepted kinds of credentials. Default: the configured kinds: 'bearer' with a key for tokens, 'api-key' with the
   * option `apiKeys`. Other kinds are ignored. If a request has a token and a key, both must be valid, both must have the
   * scopes (req.auth.scopes holds the scopes that both have), and the token's user must own the key.
   */
  credentials?: Array<'bearer' | 'api-key'>;
  /**
   * Returns the token of a request. undefined, null and '' mean no token. Any other value that is no string is
   * ERR_LATCHGATE_INPUT. Default: the header `Authorization: Bearer …` (RFC 6750 section 2.1). It must be the only such
   * header, and neither the query nor a parsed form may hold an `access_token`.
   */
  getToken?: (req: Request) => string | undefined;
  /**
   * Whether a request without credentials passes: next() with req.auth undefined. Invalid credentials are denied
   * nevertheless. Default false.
   */
  optional?: boolean;
  /**
   * The scopes that a request needs, all of them. They come from the claim `scope` (RFC 8693 section 4.2), else `scp`. A
   * string may hold several scopes, separated by spaces.
   */
  scope?: string | string[];
  /**
   * The charge of each request of this middleware. A denied request is charged nothing.
   *
   * Allowed responses and 429 carry RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10), one item per
   * quota. `w` is the window in seconds. `t` is the number of seconds until all units are back; on a 429, until the cost of
   * the request is available, as in Retry-After. Functions are called after the token is verified and before the store is
   * asked, so before the API key is known. An exception that they throw goes to next(err).
   */
  quota?: QuotaRule & {
    /**
     * The owner of the units. Default 'api-key': the key; the user if the request has no key. 'session': the user if there
     * is no session. A function returns an owner of its own: a well-formed string of 1 to 512 bytes. Any other value is
     * ERR_LATCHGATE_INPUT, never a shared quota.
     *
     * The own quota of an API key is charged too, at the same cost (else 1): both quotas or neither. It is charged once per
     * request, by the first middleware of this Auth whose cost is not 0. refundOn refunds only the quota of the policy.
     */
    by?: 'user' | 'session' | 'api-key' | ((req: Request) => string);
    /**
     * The units of a request: an integer from 0 to 2^53 - 1. Default 1. 0 only checks. More than the limit is a denial. Any
     * other value of a function is ERR_LATCHGATE_INPUT.
     */
    cost?: number | ((req: Request) => number);
    /**
     * Returns the idempotency key of a request, under which it is charged once within 24 h. undefined: no idempotency key.
     *
     * A request that repeats the key on the same quota passes with the numbers of the first answer, regardless of the
     * remaining units. So a client that chooses and repeats the key passes any number of requests for one charge: the
     * handler must answer a repeated key with its first result. The key is remembered per owner and quota. For the own
     * quota of an API key it is remembered per key, for all policies that charge it. Only charges are remembered; a denial
     * is decided again. Another cost or rule under the same key, or any value but a well-formed string of 1 to 512 bytes,
     * is ERR_LATCHGATE_INPUT to next(err).
     */
    idempotencyKey?: (req: Request) => string | undefined;
    /**
     * Returns whether to refund the charge of this request, and to forget its idempotencyKey. Must be synchronous.
     * authenticate() does not use it.
     *
     * It is called once, when the response has finished or its connection has closed early. In the second case
     * `res.writableFinished` is false, and the status is the one set so far. If several requests share one charge by the
     * idempotency key, the charge is refunded once all of them returned true: a served request keeps it. Units of a
     * 'bucket' that have returned already are not refunded. If the function throws, or the store cannot take the refund,
     * the charge stays. A process warning (LATCHGATE_REFUND) reports this, and for the store the event 'store-error'.
     */
    refundOn?: (res: Response) => boolean;
    /**
     * The name of the quota: 1 to 64 printable ASCII characters without quotes and backslashes. Default 'default'. The same
     * name with the same kind of `by` is the same quota, in every middleware of every Auth on the store, for every kind of
     * credentials. Another rule, or another kind of `by`, under a name that this Auth knows is ERR_LATCHGATE_CONFIG.
     */
    name?: string;
  };
  /** The property of the request that holds the RequestAuth. Default 'auth'. Names that Node or Express use are refused. */
  requestProperty?: string;
  /**
   * Called instead of the default response. `denial.headers` holds the headers of the response, in an object of its own. An
   * exception goes to next(err). req[requestProperty] is undefined.
   */
  onDeny?: (denial: Denial, req: Request, res: Response, next: NextFunction) => void;
  /** Returns whether to skip this middleware: true calls next() and changes nothing. An exception goes to next(err). */
  skip?: (req: Request) => boolean;
}

/**
 * A denied request. The default response has the status, the headers (with Cache-Control: no-store) and the body `{"error":
 * code}`. `reason` holds more detail. It is for your own records, not for the client.
 *
 * | case | response | WWW-Authenticate (RFC 6750 section 3) |
 * |---|---|---|
 * | no credentials | 401 credentials_required | `Bearer realm="…"`, `ApiKey realm="…"`, one for each accepted kind |
 * | header not readable, or two of a kind | 400 invalid_request | `Bearer …, error="invalid_request"` |
 * | invalid, expired or revoked token; session ended or evicted | 401 invalid_token | `Bearer …, error="invalid_token"` |
 * | unknown, revoked or expired API key | 401 invalid_api_key | `ApiKey realm="…"` |
 * | scope missing | 403 insufficient_scope | `Bearer …, error="insufficient_scope", scope="…"` |
 * | session limit reached (first use) | 403 session_limit | |
 * | quota exhausted | 429 quota_exhausted, RateLimit, RateLimit-Policy, and Retry-After if it refills | |
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

/** The events of auth.on(), by name. `observed`: decided in mode 'observe', and not enforced. */
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
  /** `active` is unknown if a quota of another slot denied the request afterwards. */
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

/**
 * The result of createAuth(). After close(), its calls reject with ERR_LATCHGATE_CLOSED, and its middlewares pass it to
 * next().
 */
export interface Auth {
  /**
   * Returns a middleware for Express 4 and 5. With the embedded store it decides, and calls next(), in the same tick.
   *
   * Errors go to next(err), with `status`: ERR_LATCHGATE_INPUT and _CONFIG 500, _CLOSED 503. A store that cannot answer is
   * a denial, not an error: see AuthOptions.onStoreError.
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: an unknown or wrong option, or no key. ERR_LATCHGATE_CLOSED.
   */
  middleware(policy?: Policy): RequestHandler;
  /**
   * Returns a guard that requires all of these scopes. The request must have passed a middleware of this Auth, with any
   * requestProperty. Else 401 credentials_required, or 403 insufficient_scope. Asks no store.
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no scope, or a scope outside RFC 6749 section 3.3.
   */
  requireScope(...scopes: string[] | [scopes: string[]]): RequestHandler;
  /**
   * Returns a guard that requires claims of the token. Each named claim must equal the value (strictly; objects and arrays
   * member by member), or satisfy the function: `{resource_id: (value, req) => value === req.params.id}`. Else 403
   * forbidden. A request without a decision of this Auth is 401. A function that returns a promise is ERR_LATCHGATE_INPUT
   * to next(err).
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no claim, or a value that JSON cannot hold.
   */
  requireClaims(match: Record<string, unknown>): RequestHandler;
  /**
   * Returns a middleware that holds the turn of the user until the handler ends the response or maxHold passes. The
   * requests of one user run one after another from here, across every process. Put it behind a middleware of this Auth,
   * with any requestProperty; without one it answers 401.
   *
   * The store checks the credential again in the step that grants the turn. A client that disconnects while it waits leaves
   * the queue, and its handler never runs. A client that disconnects later aborts the signal of the lease. The turn stays
   * held until res.end(), because the handler may still write. req.auth.runExclusive() inside uses this turn.
   *
   * Denials go through the policy's onDeny. 429 busy with Retry-After: the queue is full (reason 'queue_full'), or no turn
   * came in time ('no_turn'). 401 or 403: the credential became invalid meanwhile. 503: the store cannot answer. A second
   * serialize() on a request that holds the turn is ERR_LATCHGATE_INPUT to next(err).
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: an unknown or wrong option. ERR_LATCHGATE_CLOSED.
   */
  serialize(options?: LockOptions): RequestHandler;
  /**
   * Decides as a middleware does, without Express: for WebSockets, queues and other frameworks. Never throws. Rejects with
   * ERR_LATCHGATE_INPUT, _CONFIG or _CLOSED. A store that cannot answer is a denial, 503.
   *
   * `apiKey`: a key, alone or together with a token. null and undefined mean no token or no key, because the values come
   * from headers. `context` replaces req in the functions `limit`, `by`, `cost` and `idempotencyKey`. These members of the
   * policy have no effect: getToken, optional, requestProperty, onDeny, skip and quota.refundOn. A policy object is read
   * once: later changes have no effect. The names of its quotas are remembered as long as the Auth lives.
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
   * Returns true for exactly one caller per key, across every process, until `ttl` has passed. `ttl`: 1 ms to 10 years.
   * Default: no end.
   *
   * The same `by` gets true again, so that a caller can retry after a lost answer. A retry does not extend the time. `key`
   * and `by`: 1 to 512 bytes of well-formed UTF-8. `by`: default 128 random bits, new in every call. Rejects with
   * ERR_LATCHGATE_INPUT, with _STORE_UNAVAILABLE or _STORE_TIMEOUT if the store cannot answer, and with _CLOSED.
   */
  once(key: string, options?: { ttl?: Duration; by?: string }): Promise<boolean>;
  /**
   * Releases a key for the next caller. Returns false, and changes nothing, if `by` does not hold it. Rejects as once()
   * does.
   */
  onceRelease(key: string, by: string): Promise<boolean>;

  /**
   * Resolves when the store answers and, with jwt.jwksUri, keys are loaded. Rejects with ERR_LATCHGATE_STORE_UNAVAILABLE or
   * _STORE_TIMEOUT if the store does not answer. With store.strict, rejects with _CONFIG if the server cannot keep data
   * safely.
   */
  ready(): Promise<void>;
  /**
   * Returns the state of the store. Rejects only with ERR_LATCHGATE_CLOSED.
   *
   * - `ok`: whether ready() would resolve. For a Cluster: whether every node that serves slots answers, and every slot is
   *   served.
   * - `store`: 'memory' or 'redis'. `topology`: the kind of deployment.
   * - `primary`: the destination of writes, as host:port or the path of a socket; for a Cluster all such nodes. Absent for
   *   an embedded store, and before the first connection.
   * - `unreachable`: nodes of a Cluster that serve slots and cannot be reached.
   * - `replicas`: the replicas of all primaries as of now, with the bytes that each has not confirmed. `online` is false
   *   during the initial synchronization. Absent if they cannot be read (INFO).
   * - `latencyMs`: the time of one question to the store, if it answered.
   * - `degraded`: the store did not answer, and onStoreError lets requests through meanwhile.
   * - `warnings`: sentences for an operator about this store. The reason for a missing answer comes first. Warnings about
   *   the server's settings, or about damaged values under the prefix, are also emitted once as a process warning
   *   (LATCHGATE_STORE).
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
   * Returns the counts of this Auth in this process as Prometheus text (exposition format 0.0.4): decisions by outcome and
   * reason, calls to the store, sessions, revocations, the cache of verified tokens. No label holds a user, token, key or
   * path. Never throws, even after close(). If the app has @opentelemetry/api, its meter `latchgate` has the same numbers.
   * See docs/metrics.md.
   */
  metrics(): string;
  /**
   * Adds a listener for an event. The listener gets a frozen object with `type` and these members:
   *
   * - 'denied': `code`, `status`, `reason`; and `userId`, `sessionId`, `keyId` if the credential itself was valid.
   * - 'admitted': `userId`, `sessionId`, `active`, `limit`. Emitted for first use, sessions.admit() and tokens.login().
   * - 'evicted': `userId`, `sessionId`. A session was ended to make room, in any kind of admission.
   * - 'revoked': `kind` ('token', 'user', 'block', 'api_key') and `userId`, `tokenId` or `keyId`, for a call of this
   *   process. A reused refresh token that ended its session: `kind` 'session', `reason` 'reused', `userId`, `sessionId`.
   * - 'lock-lost': `key` (for a turn of a user the user id), `fence`, `message`. A lease was lost before its release.
   * - 'store-error' and 'store-recovered': once when the store stops answering, and once when it answers again. `message`
   *   holds details, if any.
   *
   * An exception of a listener becomes a process warning (LATCHGATE_LISTENER).
   * @throws LatchgateError ERR_LATCHGATE_CONFIG: no such event. _INPUT: no function. _CLOSED.
   */
  on<E extends keyof AuthEvents>(event: E, listener: (event: AuthEvents[E]) => void): this;
  /** Removes a listener. If it was added twice, removes the last addition. */
  off<E extends keyof AuthEvents>(event: E, listener: (event: AuthEvents[E]) => void): this;
  off(event: string, listener: (event: object) => void): this;
  /**
   * Waits for calls in flight. Afterwards every call is ERR_LATCHGATE_CLOSED. You may call it again.
   *
   * Calls in flight keep the process alive. An idle Auth never does, closed or not. Sections that run under a turn count as
   * calls in flight. Waiters for a turn are rejected immediately. The signal of a lease from acquire() aborts, and the
   * lease expires.
   */
  close(): Promise<void>;
}

/**
 * The decision on a request: req.auth. Claims are parsed on first access. Printing it, or turning it into JSON, never shows
 * the token.
 */
export interface RequestAuth {
  /** The claim jwt.claims.userId. For any issuer but the first of several: `iss + ' ' + sub`. For an API key: its owner. */
  readonly userId: string;
  /**
   * The claim jwt.claims.sessionId, else the token id: jti, or SHA-256 of the signing input as base64url. Absent for an API
   * key alone.
   */
  readonly sessionId?: string;
  /** The claim jti. */
  readonly tokenId?: string;
  /** The claims, deeply frozen. Empty for an API key alone. */
  readonly claims: Claims;
  /** The scopes, frozen: from `scope`, else `scp`. For an API key: its scopes. For both: the scopes that both have. */
  readonly scopes: readonly string[];
  /** The API key, if one was used. `metadata` is the value that this request read; frozen. */
  readonly apiKey?: { keyId: string; ownerId: string; metadata?: unknown };
  /**
   * The session, if it was checked. `active`: live sessions of the user, including this one. `lastActiveAt`: this request,
   * by the store's clock. `previousActiveAt`: the request before it.
   */
  readonly session?: {
    active: number;
    limit?: number;
    createdAt: number;
    lastActiveAt: number;
    previousActiveAt: number;
  };
  /** The quota of the policy after this request. `resetAt`: when all units are back; null if no unit returns. */
  readonly quota?: { limit: number; remaining: number; resetAt: number | null };
  /** Whether checks were skipped because of onStoreError: 'allow'. Then `session` and `quota` are undefined. */
  readonly degraded: boolean;
  /** In mode 'observe': the first denial that would have been sent. Undefined if the request would have passed. */
  readonly observed?: Denial;
  /**
   * Aborts when the token, session, user or key is revoked or ends while the request is in flight. Its reason is
   * ERR_LATCHGATE_REVOKED.
   *
   * The store pushes revocations if it can. In addition, the store is asked once a second for all requests whose signal was
   * read, so a lost message costs a second. While the store cannot answer, the signal does not abort. It is watched until
   * the response is over, or until done().
   */
  readonly signal: AbortSignal;
  /**
   * Asks the store again, now. Rejects with ERR_LATCHGATE_REVOKED if the credential is no longer valid: revoked, expired,
   * its session ended, its user blocked. Touches no session. Rejects with _STORE_UNAVAILABLE or _STORE_TIMEOUT if the store
   * cannot answer.
   */
  assertValid(): Promise<void>;
  /**
   * Runs `fn` in the turn of the user, as locks.runExclusive() does for a key. The store checks the credential in the step
   * that grants the turn: if it is no longer valid, rejects with ERR_LATCHGATE_REVOKED, and `fn` does not run.
   *
   * So check and change are one unit, and revokeUser({ barrier: true }) waits for it. Inside serialize() of the same user
   * it uses that turn; several calls run one after another, and of the options only `wait` and `signal` count.
   */
  runExclusive<T>(fn: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /**
   * Ends the watch of `signal` after authenticate(): it no longer aborts. A middleware does this when the response is over.
   */
  done(): void;
}

declare global {
  namespace Express {
    interface Request {
      /** The decision of the middleware of latchgate: see RequestAuth. */
      auth?: RequestAuth;
    }
  }
}

/** The claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The sessions of users: auth.sessions. Every method rejects with ERR_LATCHGATE_INPUT for a bad id, option or value, and
 * with _CLOSED after close().
 */
export interface Sessions {
  /**
   * Admits a session. A user never has more than `limit` live sessions, with any number of concurrent callers.
   *
   * Admitting a live sessionId again is idempotent (`existing`). An ended session never returns ('session_ended').
   * `sessionId`: default a random id of 128 bits. `device`: short strings that identify the session, at most 4096 bytes as
   * JSON. Other options default to AuthOptions.sessions. `limit` is required if AuthOptions.sessions.limit is a function.
   */
  admit(
    userId: string,
    options?: { sessionId?: string; device?: Record<string, string> } & Omit<
      SessionPolicy,
      'limit' | 'hardLimit' | 'admission'
    > & { limit?: number },
  ): Promise<Admission>;
  /**
   * Marks a live session as active. Returns null if it is not live. `lastActiveAt` is the store's clock, and never
   * decreases.
   */
  touch(userId: string, sessionId: string): Promise<Session | null>;
  /** Ends a session. Returns false if the user had no such live session. */
  end(userId: string, sessionId: string): Promise<boolean>;
  /** Ends all sessions of the user but `except`, in one step. Returns the number of ended sessions. */
  endAll(userId: string, options?: { except?: string }): Promise<number>;
  /**
   * Lists live sessions, the most recently active first. The store is asked for 200 sessions at a time. So the list of a
   * user with more sessions is no snapshot: it may contain a session that begins or ends meanwhile, or not.
   */
  list(userId: string): Promise<Session[]>;
}

/**
 * The result of an admission. `limit`: null without limit. `retryAfterMs`: time until a session may time out; null if
 * unknown.
 */
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

/** A live session, or a session that was just evicted. `expiresAt`: when it ends without further activity. */
export interface Session {
  sessionId: string;
  userId: string;
  createdAt: number;
  lastActiveAt: number;
  expiresAt: number;
  device?: Record<string, string>;
}

/**
 * Tokens: auth.tokens. Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _CONFIG if it needs a key and
 * none is configured, and with _CLOSED after close().
 *
 * The token id is jti, else SHA-256 of the signing input. If `jwt.issuer` lists several issuers, token ids are scoped by
 * iss, so revokeId and isRevoked need it. The user id is sub for the first issuer (this app), else `iss + ' ' + sub`:
 * req.auth.userId holds it, and every function takes it. A sub of the first issuer that begins with a listed issuer and a
 * space is refused.
 */
export interface Tokens {
  /**
   * Signs a token with iat, exp, jti and `gen`: the store's microseconds, by which revokeUser() separates old tokens from
   * new tokens. Admits no session.
   *
   * `claims`: JSON values. They may not name a registered claim (RFC 7519 section 4.1), `gen`, `lgs`, or the claims of user
   * id and session id. `scope`: one or several. `ttl`: default jwt.accessTtl, at most jwt.maxAge.
   */
  issue(
    userId: string,
    options?: { sessionId?: string; claims?: object; scope?: string | string[]; ttl?: Duration },
  ): Promise<string>;
  /** Verifies signature and claims only, not revocation. Returns the frozen claims, or null if the token is invalid. */
  verify(token: string): Promise<Claims | null>;
  /**
   * Revokes a token until exp + clockTolerance. After it resolves, no process accepts the token. Returns false if the token
   * had expired or its signature does not verify.
   */
  revoke(token: string): Promise<boolean>;
  /**
   * Revokes a token by its id. `expiresAt`: the token's exp in milliseconds. `iss`: required if jwt.issuer lists several
   * issuers.
   */
  revokeId(id: { jti: string; userId: string; expiresAt: number; iss?: string }): Promise<boolean>;
  /**
   * Returns whether a token is revoked by its id, by revokeUser() or by a block. Does not check sessions and expiry. A
   * token with an invalid signature or invalid claims counts as revoked: true. For an id without its token, the time of
   * issue is unknown.
   */
  isRevoked(token: string | { jti: string; userId: string; iss?: string }): Promise<boolean>;
  /**
   * Ends every session of a user, and revokes every token issued before now.
   *
   * For tokens of this app `gen` decides, so a login immediately afterwards works. Foreign tokens are revoked if their iat
   * is at most the end of this second + issuerClockLead, or if they were accepted for this user before. Not covered: a
   * token from an issuer whose clock is ahead, if it was issued before the revocation, was never used, and no accepted
   * token has shown that lead yet. `apiKeys: true` also revokes API keys created before now ('revoked'). A key created
   * immediately afterwards is valid.
   *
   * `barrier: true` resolves when no earlier turn of the user (req.auth.runExclusive, serialize) is held any longer, before
   * all waiters. The waiters are denied when their turn comes. `fence` is above the fence of every earlier turn, and below
   * the fence of every later turn. Called inside the turn of the same user, it does not wait for itself, and the fence is
   * the fence of the turn. `wait` limits the barrier: 0 to '1h', default '5s'. Then it rejects with ERR_LATCHGATE_BUSY. The
   * revocation stays, also if the store cannot answer meanwhile. A suspended process can outlive its lease: write `fence`
   * to the rows that it protects.
   */
  revokeUser(
    userId: string,
    options?: { barrier?: boolean; wait?: Duration; apiKeys?: boolean },
  ): Promise<{ sessionsEnded: number; fence?: number }>;
  /**
   * Revokes as revokeUser() does, and denies tokens of every issuer and admissions until unblockUser() or `until`. A second
   * block never shortens a longer block. `barrier` and `wait` as in revokeUser().
   */
  blockUser(
    userId: string,
    options?: { until?: number; barrier?: boolean; wait?: Duration },
  ): Promise<{ sessionsEnded: number; fence?: number }>;
  /** Lifts the block of a user. Returns false if the user was not blocked. Sessions that the block ended stay ended. */
  unblockUser(userId: string): Promise<boolean>;
  /** Returns whether blockUser() denies the user now. */
  isBlocked(userId: string): Promise<boolean>;
  /**
   * Admits a session and creates its refresh family in one atomic step, then signs an access token and a refresh token.
   *
   * The access token lives jwt.accessTtl. Its session is always checked, and it is never admitted by first use. The store
   * keeps a hash of the refresh token. `limit`, `onLimit` and `device` as in sessions.admit(); the timeouts come from
   * AuthOptions.sessions. `claims` and `scope` as in issue(), and they also apply to the access tokens of later refreshes.
   * Only `scope` sets the scope.
   *
   * `sessionId`: default a random id. A known id, live or ended, is ERR_LATCHGATE_INPUT, so that a login never enters a
   * session that another caller named.
   *
   * `requestId`: makes a retry idempotent. As long as the session lives, a retry with the same id gets new tokens for the
   * same slot (`existing`), regardless of its sessionId. The earlier refresh token is spent ('invalid', and after the grace
   * window 'reused'). The earlier access token stays valid. Without requestId, a login whose answer was lost keeps its slot
   * until the session times out.
   *
   * `expiresAt`: when the access token expires. `refreshExpiresAt`: when the refresh token expires, unless its session ends
   * before.
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
   * Exchanges a refresh token for a new access token and a new refresh token, and touches the session. A refresh token
   * works once.
   *
   * Within refresh.graceWindow, every caller with the same spent token gets the live successor, in every process:
   * concurrent callers, and callers that lost the answer. Their access tokens differ. The reasons of a refusal, each of
   * which OAuth calls invalid_grant:
   *
   * - 'reused': the token was spent before the grace window. The session is ended, because the client or a thief holds a
   *   stale token, and the event 'revoked' reports it. A spent token is 'reused' at any age while its session lives.
   * - 'expired': the token or its session has expired.
   * - 'revoked': the session was ended or evicted, or the user was revoked or blocked.
   * - 'invalid': no authentic token of a known family. Nothing changes.
   *
   * `claims` and `scope`: default the values of the login. Given values are for this access token only. If one of them and
   * the other from the login are too long for a token together, ERR_LATCHGATE_INPUT comes after the token was spent: retry
   * with less within the grace window. `expiresAt` as in login(). After ERR_LATCHGATE_STORE_TIMEOUT, retry with the same
   * token within the grace window.
   */
  refresh(
    refreshToken: string,
    options?: { claims?: object; scope?: string | string[] },
  ): Promise<
    | { ok: true; accessToken: string; refreshToken: string; expiresAt: number; refreshExpiresAt: number }
    | { ok: false; reason: 'invalid' | 'expired' | 'revoked' | 'reused' }
  >;
  /**
   * Ends the session, with its access tokens and its refresh family. Takes an access token, which may have expired but must
   * be authentic; a refresh token, which may be spent; or req.auth.
   *
   * Returns true if the session was live. For a foreign token whose session was never seen, no session is ended. A token
   * whose session is not checked is revoked itself, as by revoke(). ERR_LATCHGATE_INPUT: the request had an API key alone.
   */
  logout(tokenOrAuth: string | RequestAuth): Promise<boolean>;
}

/**
 * API keys: auth.apiKeys. Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or
 * _STORE_TIMEOUT if the store cannot answer, and with _CLOSED after close().
 */
export interface ApiKeys {
  /**
   * Creates an API key and returns it, once. The store keeps only its hash.
   *
   * `key` imports an existing key: 16 to 512 printable ASCII characters without spaces and commas. A known key, or a key in
   * the format of latchgate, is ERR_LATCHGATE_INPUT. `name`: up to 512 bytes. `metadata`: a JSON value of up to 4 KiB.
   * `expiresAt`: epoch milliseconds, by the store's clock.
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
   * Checks validity, expiry and quota, and records the use, in one atomic step. Takes any string.
   *
   * A denied check charges nothing. Cost 0 only checks, and is no use. Of several reasons the first in the order of the
   * type applies. `idempotencyKey`: the key is charged once within 24 h; another cost is ERR_LATCHGATE_INPUT. `quota` is
   * present if the key has a quota and no other reason denies.
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
   * Replaces the secret of a key and keeps its id. Both secrets share one quota while the old secret works. `grace`:
   * default 0, maximum one year. Only one old secret works. Secrets before it are 'revoked'; eight are remembered. An
   * unknown or revoked keyId is ERR_LATCHGATE_INPUT.
   */
  rotate(keyId: string, options?: { grace?: Duration }): Promise<{ key: string; keyId: string }>;
  /**
   * Revokes a key. After it resolves, no process accepts the key. Returns false if the key was not valid or is unknown. The
   * key is listed for another 30 days.
   */
  revoke(keyId: string): Promise<boolean>;
  /**
   * Adds units to a balance, atomically. ERR_LATCHGATE_INPUT: the key has no 'balance', or the total would exceed 2^53 - 1.
   */
  addQuota(keyId: string, units: number, options?: { idempotencyKey?: string }): Promise<Consumption>;
  /**
   * Changes the data of a key. Members that are not named stay. null removes an expiry or the metadata. Used units stay,
   * unless the algorithm of the quota changes. An unknown keyId is ERR_LATCHGATE_INPUT.
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
  /** Lists the keys of an owner, the oldest first. Keys that have ended are listed for another 30 days. */
  list(ownerId: string): Promise<ApiKeyInfo[]>;
}

/**
 * An API key without its secret. `start`: its first characters, by which people recognize it. `lastUsedAt`: the last use
 * with a cost that passed. `revoked`: the key itself, or all keys of its owner.
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
 * The rule of a quota. Default algorithm: 'window' if a window is given, else 'balance'.
 *
 * - 'balance': a prepaid amount that never refills.
 * - 'window': `limit` units per fixed window, which starts at its first charge.
 * - 'bucket': a burst of `limit` units, refilled evenly over `window` (GCRA). A unit returns every window / limit, rounded
 *   up to whole microseconds.
 *
 * `limit`: an integer from 1 to 2^53 - 1; for a 'bucket' at most the window in microseconds. `window`: 1 ms to 10 years.
 * The store keeps used units. So a changed limit applies immediately, and a limit below the used units leaves none. A clock
 * that is set back returns no unit, and takes none.
 */
export interface QuotaRule {
  limit: number;
  window?: Duration;
  algorithm?: 'balance' | 'window' | 'bucket';
}

/**
 * The result of a charge. `limit`: for a balance, includes added units. `resetAt`: when all units are back; null if no unit
 * returns. `retryAfterMs`: for a denial, the time until the cost is available; null if a retry never helps. `receipt`: for
 * refund(), of a direct charge. `replayed`: the answer repeats an earlier charge under the idempotencyKey.
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
 * Quotas under your own keys: auth.quotas. Keys have 1 to 512 bytes of well-formed UTF-8, and never collide with quotas of
 * policies. Every method rejects with ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or _STORE_TIMEOUT if
 * the store cannot answer, and with _CLOSED after close().
 */
export interface Quotas {
  /**
   * Charges a quota. Never grants more than the limit, never goes below zero, and charges nothing if it denies.
   *
   * `cost`: an integer from 0 to 2^53 - 1. Default 1. 0 only checks. More than the limit is a denial. A 'balance', a
   * 'window' and a 'bucket' under one key are three quotas. `idempotencyKey`: 1 to 512 bytes of well-formed UTF-8. Within
   * 24 h the same idempotencyKey charges this key once and returns the same answer (`replayed`), with its receipt. Only
   * charges are remembered. Another cost or rule is ERR_LATCHGATE_INPUT. After _STORE_TIMEOUT, the same call with the same
   * idempotencyKey is safe.
   */
  consume(
    key: string,
    rule: QuotaRule,
    options?: { cost?: number; idempotencyKey?: string },
  ): Promise<Consumption>;
  /**
   * Adds units to a 'balance': an integer from 1. Another rule is ERR_LATCHGATE_INPUT. The limit and all added units
   * together may not exceed 2^53 - 1 (_INPUT, nothing changes). Repeated calls with the same `idempotencyKey` within 24 h
   * count once.
   */
  add(
    key: string,
    rule: QuotaRule,
    units: number,
    options?: { idempotencyKey?: string },
  ): Promise<Consumption>;
  /**
   * Refunds a charge, once, and forgets its idempotencyKey. Returns false if the charge cannot be refunded:
   *
   * - It was refunded before, or is 24 h old.
   * - Its window has passed; for a 'bucket', that much time after the charge.
   * - The quota was reset since.
   * - All its units in a 'bucket' have returned already. If some units have returned, the rest is refunded.
   *
   * A text that is no receipt of this store is ERR_LATCHGATE_INPUT.
   */
  refund(receipt: string): Promise<boolean>;
  /** Returns the result of a charge of 0. Takes nothing. */
  peek(key: string, rule: QuotaRule): Promise<Consumption>;
  /**
   * Deletes charges and added units of a key: of its 'balance', 'window' and 'bucket'. Returns false if there were none.
   */
  reset(key: string): Promise<boolean>;
}

/** How to wait for a turn and hold it. For the reasons of the defaults see docs/turns.md. */
export interface LockOptions {
  /**
   * The length of the lease: 10 ms to a day, never beyond maxHold. Default '3s', or '100ms' if `fair` is false. If the
   * store takes longer than half of it to grant a turn, the turn is released immediately and requested again.
   */
  ttl?: Duration;
  /** Whether to renew the lease, at every third of it, until its release. Default true. */
  autoExtend?: boolean;
  /** The end of the lease, regardless of the work: 10 ms to a day. Default '30s'. */
  maxHold?: Duration;
  /** The longest wait for a turn: 0 (only a free turn) to '1h'. Default '5s'. A question in flight is awaited. */
  wait?: Duration;
  /**
   * The most waiters per key in this process: 0 to 1,000,000. Default 200. One more is ERR_LATCHGATE_QUEUE_FULL,
   * immediately.
   */
  maxQueue?: number;
  /**
   * Whether waiters form a queue. Default true: first come, first served, across processes. false: no queue, but up to
   * `retries` attempts within `wait`, with pauses of full jitter that double up to a second.
   */
  fair?: boolean;
  /** The number of attempts if `fair` is false: 1 to 1000. Default 3. */
  retries?: number;
  /**
   * Leaves the queue when it aborts, and rejects with the signal's reason. The order of other waiters stays. A held turn
   * stays held.
   */
  signal?: AbortSignal;
}

/** A held turn. */
export interface Lease {
  /** The key. For a turn of a user: the user id. */
  readonly key: string;
  /**
   * The fencing token. It increases with every turn of the key, across expiry, restart and failover. Store it with your
   * writes, and refuse a smaller one. Below 2^53.
   */
  readonly fence: number;
  /**
   * Aborts if the lease is lost: before it ends, if it cannot be renewed, and at maxHold. Its reason is
   * ERR_LATCHGATE_LEASE_LOST. Under serialize() it also aborts, with an AbortError, if the client disconnects. Then the
   * lease is still held.
   */
  readonly signal: AbortSignal;
  /** The end of the lease by the clock of this process. It moves when the lease is renewed. */
  readonly expiresAt: number;
  /**
   * Extends the lease to at least `by` from now: 1 ms to a day, limited by maxHold. Returns false if the lease is no longer
   * held. An ended lease is never revived.
   */
  extend(by: Duration): Promise<boolean>;
}

/**
 * Locks under your own keys: auth.locks. Both methods reject with ERR_LATCHGATE_INPUT for a bad argument, with _BUSY if no
 * turn came in time, with _QUEUE_FULL, and with _CLOSED after close(). With _STORE_UNAVAILABLE if the store cannot be
 * reached at the start. If the store fails later, waiters ask again until their wait ends.
 */
export interface Locks {
  /**
   * Runs `fn` alone per key (1 to 512 bytes of well-formed UTF-8), across every process, first come first served. Calls of
   * one process keep their order.
   *
   * These keys never collide with turns of users. An exception of `fn` reaches only its caller, and the turn goes to the
   * next waiter. If `fn` finished without the lease, its result is discarded: ERR_LATCHGATE_LEASE_LOST. A call inside a
   * section of the same key, in the same asynchronous context, is ERR_LATCHGATE_INPUT.
   */
  runExclusive<T>(key: string, fn: (lease: Lease) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /**
   * Acquires a lease without a function: `await using lease = await auth.locks.acquire(key)`, or call release(). It is
   * renewed until its release or maxHold. It does not detect a call inside a section of the same key: that is
   * ERR_LATCHGATE_BUSY. release(): returns false if the lease was no longer held.
   */
  acquire(
    key: string,
    options?: LockOptions,
  ): Promise<Lease & { release(): Promise<boolean> } & AsyncDisposable>;
}

/**
 * Bounded counters of a user, for balances, bonuses and progress: auth.counters. Every method rejects with
 * ERR_LATCHGATE_INPUT for a bad argument, with _STORE_UNAVAILABLE or _STORE_TIMEOUT if the store cannot answer, and with
 * _CLOSED after close().
 *
 * Values, deltas and bounds are integers from -(2^53 - 1) to 2^53 - 1. A sum beyond them is never applied. A counter that
 * was never changed is 0. Counters have no end. Names have 1 to 512 bytes of well-formed UTF-8.
 *
 * `idempotencyKey`: 1 to 512 bytes; add() and apply() share the keys of a user. Within 24 h the same key applies once and
 * returns the same answer, with `replayed`. Only applied changes are remembered: a refusal is decided again. Another delta,
 * bound or name under the same key, or the other method, is ERR_LATCHGATE_INPUT.
 */
export interface Counters {
  /**
   * Adds `delta` to a counter, if the result is within [min, max]. Otherwise `applied` is false and `value` is the
   * unchanged value.
   *
   * Only the result counts: a value outside the bounds, because the bounds changed, may return within. A delta of 0 only
   * reads.
   */
  add(
    userId: string,
    name: string,
    delta: number,
    options?: { min?: number; max?: number; idempotencyKey?: string },
  ): Promise<{ applied: boolean; value: number; replayed?: boolean }>;
  /**
   * Changes 1 to 64 counters of one user, each named once: all changes or none. `values` holds all of them, after the
   * change or unchanged.
   *
   * With `auth`, the changes apply only if the credential is still valid, checked in the same atomic step. Else it rejects
   * with ERR_LATCHGATE_REVOKED, and nothing changes. A token is valid if it has not expired and was not revoked by id, with
   * the user or by a block. If this Auth checks sessions, its session must be live: a session that passed while the store
   * was unavailable, and was never admitted, is not. An API key is valid if it is neither revoked nor expired, its secret
   * was not replaced, and its owner is not blocked. A token with a key is valid if both are. The check changes no session,
   * quota or lastUsedAt. It comes before a remembered answer, so that an invalid credential never gets one.
   *
   * `auth` is a RequestAuth of this Auth and of this user. undefined, as an optional middleware leaves it, is
   * ERR_LATCHGATE_INPUT: leave the option out if you need no check.
   */
  apply(
    userId: string,
    changes: Array<{ name: string; delta: number; min?: number; max?: number }>,
    options?: { idempotencyKey?: string; auth?: RequestAuth },
  ): Promise<{ applied: boolean; values: Record<string, number>; replayed?: boolean }>;
  /** Returns the value of a counter; 0 if it was never changed. */
  get(userId: string, name: string): Promise<number>;
}

/**
 * Every error of latchgate. `code` identifies it. `status` is the response that an HTTP error handler should send.
 *
 * | code | status | |
 * |---|---|---|
 * | ERR_LATCHGATE_CONFIG | 500 | an unknown or wrong option; no key; no binary for this platform |
 * | ERR_LATCHGATE_INPUT | 500 | an argument, or the result of a function option |
 * | ERR_LATCHGATE_CLOSED | 503 | after close() |
 * | ERR_LATCHGATE_STORE_UNAVAILABLE | 503 | the store cannot be reached: nothing was done |
 * | ERR_LATCHGATE_STORE_TIMEOUT | 503 | the store did not answer in time: the outcome is unknown |
 * | ERR_LATCHGATE_BUSY | 429 | no turn in time |
 * | ERR_LATCHGATE_QUEUE_FULL | 429 | too many waiters for a turn |
 * | ERR_LATCHGATE_LEASE_LOST | 500 | the work finished without its lease |
 * | ERR_LATCHGATE_REVOKED | 401 | the credential is no longer valid |
 */
export class LatchgateError extends Error {
  constructor(code: string, message: string, details?: { retryAfterMs?: number; cause?: unknown });
  readonly code: string;
  readonly status: number;
  /** When a retry may help, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}
