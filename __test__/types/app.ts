// A strict TypeScript app on Express 5 that uses every name of the contract. It only has to compile.

import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import {
  type Admission,
  type ApiKeyInfo,
  type Auth,
  type AuthOptions,
  authMiddleware,
  type Claims,
  type Consumption,
  createAuth,
  type Denial,
  type Duration,
  type JwtOptions,
  LatchgateError,
  type Lease,
  type LockOptions,
  type Policy,
  type QuotaRule,
  type RequestAuth,
  type Session,
  type SessionPolicy,
  type StoreOptions,
  version,
} from 'latchgate';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const minute: Duration = '1m';
const ms: Duration = 60_000;

const jwt: JwtOptions = {
  publicKey: publicKey.export({ format: 'pem', type: 'spki' }),
  privateKey,
  algorithms: ['EdDSA'],
  issuer: ['https://ours.example', 'https://theirs.example'],
  audience: 'api',
  clockTolerance: ms,
  maxAge: '12h',
  requiredClaims: ['jti'],
  claims: { userId: 'sub', sessionId: 'sid' },
  accessTtl: minute,
};
const otherKeys: JwtOptions[] = [
  { secret: 'text' },
  { secret: Buffer.alloc(32) },
  { publicKey: publicKey.export({ format: 'jwk' }) },
  { jwks: { keys: [publicKey.export({ format: 'jwk' })] } },
  { jwksUri: 'https://issuer.example/jwks' },
];
const sessions: SessionPolicy = {
  limit: (claims: Claims, req: Request): number => (claims.plan === 'team' && req.ip ? 10 : 1),
  onLimit: 'evict-oldest',
  idleTimeout: '30m',
  absoluteTimeout: '12h',
  admission: 'first-use',
};
const store: StoreOptions = {
  url: 'memory:',
  prefix: 'lg',
  commandTimeout: '1s',
  connectTimeout: 2000,
  acks: 1,
  strict: true,
};
const options: AuthOptions = {
  store: store.url,
  jwt,
  sessions,
  apiKeys: { header: 'x-api-key', prefix: 'lg' },
  refresh: { ttl: '7d', graceWindow: '10s' },
  onStoreError: { revocation: 'deny', sessions: 'deny', quota: 'allow' },
  mode: 'enforce',
  realm: 'api',
};
const auth: Auth = createAuth(options);
createAuth();
const gate: RequestHandler & { auth: Auth } = authMiddleware({ ...options, scope: 'read', optional: true });
authMiddleware();

const quota: QuotaRule = { limit: 100, window: '1m', algorithm: 'bucket' };
const policy: Policy = {
  credentials: ['bearer', 'api-key'],
  getToken: (req) => req.get('x-token'),
  optional: false,
  scope: ['read', 'write'],
  quota: {
    ...quota,
    by: (req) => req.ip ?? 'none',
    cost: (req) => (req.method === 'GET' ? 1 : 5),
    idempotencyKey: (req) => req.get('idempotency-key'),
    refundOn: (res) => res.statusCode >= 500,
    name: 'calls',
  },
  requestProperty: 'caller',
  onDeny: (denial: Denial, _req: Request, res: Response, next: NextFunction) => {
    if (denial.status === 503) next(new Error(denial.reason));
    else res.status(denial.status).set(denial.headers).json({ error: denial.code });
  },
  skip: (req) => req.path === '/health',
};

const app = express();
app.use(gate);
app.use(gate.auth.middleware(), auth.middleware(policy));
app.get('/items/:id', auth.requireScope('read', 'write'), (req, res) => {
  const caller: RequestAuth | undefined = req.auth;
  if (caller === undefined) {
    res.sendStatus(204);
    return;
  }
  const userId: string = caller.userId;
  const ids: Array<string | undefined> = [
    caller.sessionId,
    caller.tokenId,
    caller.apiKey?.keyId,
    caller.apiKey?.ownerId,
  ];
  const scopes: readonly string[] = caller.scopes;
  const plan: unknown = caller.claims.plan;
  const active: number | undefined = caller.session?.active;
  const limit: number | undefined = caller.session?.limit;
  const instants = [
    caller.session?.createdAt,
    caller.session?.lastActiveAt,
    caller.session?.previousActiveAt,
  ];
  const left: number | undefined = caller.quota?.remaining;
  const resetAt: number | null | undefined = caller.quota?.resetAt;
  const observed: Denial | undefined = caller.observed;
  const degraded: boolean = caller.degraded;
  const signal: AbortSignal = caller.signal;
  caller.done();
  res.json({
    userId,
    ids,
    scopes,
    plan,
    active,
    limit,
    instants,
    left,
    resetAt,
    observed,
    degraded,
    aborted: signal.aborted,
  });
});
app.put(
  '/items/:id',
  auth.requireClaims({ tenant: 'a', item: (value: unknown, req: Request) => value === req.params.id }),
  auth.serialize({ ttl: '3s', maxHold: '30s' }),
  async (req, res) => {
    await req.auth?.assertValid();
    const written = await req.auth?.runExclusive(async (lease: Lease) => lease.fence, { wait: '1s' });
    res.json({ written });
  },
);
app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
  if (!(error instanceof LatchgateError)) {
    next(error);
    return;
  }
  const code: string = error.code;
  const retryAfterMs: number | undefined = error.retryAfterMs;
  res.status(error.status).json({ code, retryAfterMs, cause: String(error.cause), name: error.name });
});

export async function sessionCalls(): Promise<Session[]> {
  const admission: Admission = await auth.sessions.admit('u', {
    sessionId: 's',
    device: { name: 'phone' },
    limit: 3,
    onLimit: 'reject',
    idleTimeout: 1000,
    absoluteTimeout: '1h',
  });
  if (admission.admitted) {
    const session: Session = admission.session;
    const evicted: Session[] = admission.evicted;
    const numbers: Array<number | null> = [admission.active, admission.limit, session.expiresAt];
    console.log(admission.existing, evicted.length, numbers, session.device?.name);
  } else {
    const reason: 'session_limit' | 'session_ended' | 'blocked' = admission.reason;
    const wait: number | null = admission.retryAfterMs;
    console.log(reason, wait);
  }
  const touched: Session | null = await auth.sessions.touch('u', 's');
  const ended: boolean = await auth.sessions.end('u', 's');
  const count: number = await auth.sessions.endAll('u', { except: 's' });
  console.log(touched?.lastActiveAt, ended, count);
  return auth.sessions.list('u');
}

export async function tokenCalls(): Promise<void> {
  const token: string = await auth.tokens.issue('u', {
    sessionId: 's',
    claims: { plan: 'team' },
    scope: ['a'],
    ttl: '5m',
  });
  const claims: Claims | null = await auth.tokens.verify(token);
  const flags: boolean[] = [
    await auth.tokens.revoke(token),
    await auth.tokens.revokeId({ jti: 'j', userId: 'u', expiresAt: 1, iss: 'https://ours.example' }),
    await auth.tokens.isRevoked(token),
    await auth.tokens.isRevoked({ jti: 'j', userId: 'u' }),
    await auth.tokens.unblockUser('u'),
    await auth.tokens.isBlocked('u'),
    await auth.tokens.logout(token),
  ];
  const { sessionsEnded, fence } = await auth.tokens.revokeUser('u', {
    barrier: true,
    wait: '5s',
    apiKeys: true,
  });
  const blocked = await auth.tokens.blockUser('u', { until: Date.now() + 1000, barrier: false, wait: 5 });
  const total: number = sessionsEnded + blocked.sessionsEnded + (fence ?? 0);
  const login = await auth.tokens.login('u', {
    requestId: 'r',
    claims: {},
    scope: 'a',
    sessionId: 's',
    limit: 1,
    onLimit: 'reject',
    device: {},
  });
  if (login.ok)
    console.log(
      login.accessToken,
      login.refreshToken,
      login.expiresAt + login.refreshExpiresAt,
      login.admission.session.sessionId,
    );
  else console.log(login.reason, login.active);
  const refreshed = await auth.tokens.refresh('r', { claims: {}, scope: ['a'] });
  console.log(refreshed.ok ? refreshed.accessToken : refreshed.reason, claims?.sub, flags, total);
}

export async function authenticateCalls(): Promise<string> {
  const header: string | undefined = process.env.TOKEN;
  await auth.authenticate({ token: header, apiKey: header });
  const answer = await auth.authenticate({ token: null, context: { ip: '::1' } }, { scope: 'read' });
  if (!answer.ok)
    return `${answer.status} ${answer.code} ${answer.reason} ${answer.headers['WWW-Authenticate']}`;
  const caller: RequestAuth = answer.auth;
  await auth.tokens.logout(caller);
  return caller.userId;
}

export async function keyCalls(): Promise<void> {
  const { key, keyId } = await auth.apiKeys.create({
    ownerId: 'u',
    name: 'n',
    scopes: ['a'],
    quota,
    expiresAt: 1,
    metadata: {},
  });
  const checked = await auth.apiKeys.check(key, { cost: 1, idempotencyKey: 'i', scope: 'a' });
  console.log(checked.valid ? checked.ownerId : checked.code, checked.quota?.remaining);
  const rotated: { key: string; keyId: string } = await auth.apiKeys.rotate(keyId, { grace: '1h' });
  const info: ApiKeyInfo | null = await auth.apiKeys.get(rotated.keyId);
  const all: ApiKeyInfo[] = await auth.apiKeys.list('u');
  const updated: ApiKeyInfo = await auth.apiKeys.update(keyId, { name: 'm', expiresAt: null });
  const topped: Consumption = await auth.apiKeys.addQuota(keyId, 5, { idempotencyKey: 'i' });
  console.log(info?.start, all.length, updated.lastUsedAt, topped.allowed, await auth.apiKeys.revoke(keyId));
}

export async function otherCalls(): Promise<void> {
  const consumed: Consumption = await auth.quotas.consume('k', quota, { cost: 1, idempotencyKey: 'i' });
  const added: Consumption = await auth.quotas.add('k', { limit: 5 }, 1, { idempotencyKey: 'i' });
  const peeked: Consumption = await auth.quotas.peek('k', quota);
  const flags: boolean[] = [
    await auth.quotas.refund(consumed.receipt ?? ''),
    await auth.quotas.reset('k'),
    await auth.once('k', { ttl: '1d', by: 'me' }),
    await auth.onceRelease('k', 'me'),
  ];
  const lock: LockOptions = {
    ttl: '3s',
    autoExtend: true,
    maxHold: '30s',
    wait: 0,
    maxQueue: 5,
    fair: false,
    retries: 3,
    signal: AbortSignal.abort(),
  };
  const doubled: number = await auth.locks.runExclusive('k', (lease) => lease.fence * 2, lock);
  const held = await auth.locks.acquire('k', lock);
  console.log(await held.extend('1s'), held.key, held.expiresAt, held.signal.aborted, await held.release());
  await held[Symbol.asyncDispose]();
  await using scoped = await auth.locks.acquire('k', lock);
  console.log(scoped.fence);
  const counted = await auth.counters.add('u', 'n', 1, { min: 0, max: 5, idempotencyKey: 'i' });
  const applied = await auth.counters.apply('u', [{ name: 'n', delta: -1, min: 0 }], { idempotencyKey: 'i' });
  const answer = await auth.authenticate({ token: 'x' });
  if (answer.ok) await auth.counters.apply(answer.auth.userId, [], { auth: answer.auth });
  console.log(counted.applied, counted.value, applied.values.n, await auth.counters.get('u', 'n'));
  console.log(added.resetAt, peeked.retryAfterMs, flags, doubled, version.length);
}

export async function lifeCalls(): Promise<void> {
  await auth.ready();
  const { ok, store: kind, latencyMs, degraded, warnings } = await auth.health();
  const listener = (event: object) => console.log(event);
  auth.on('denied', ({ reason, status, userId }) => console.warn(reason.length + status, userId?.length));
  auth.on('revoked', ({ kind }) => kind === 'session');
  auth.on('denied', listener).on('store-recovered', listener).off('denied', listener);
  const text: string = auth.metrics();
  console.log(ok, kind, latencyMs ?? 0, degraded, warnings.join(), text);
  await auth.close();
  throw new LatchgateError('ERR_LATCHGATE_BUSY', 'no turn in time', {
    retryAfterMs: 5,
    cause: createSecretKey(Buffer.alloc(1)),
  });
}

console.log(otherKeys.length, app);
