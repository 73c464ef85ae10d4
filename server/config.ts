import { z } from 'zod'
import { Password } from '../shared/identity'
import { Domain, SsoRole } from '../shared/sso'
import { AzureApiVersion } from './gateway/providers/azure-api-version'
import { MAX_SEALED_BYTES } from './traces/seal-body'

/** A timer that is set for longer than 2 ** 31 - 1 ms ends at once. Some are set for up to half a minute more than what is asked for. */
const MAX_MS = 2_147_000_000

const flag = z.stringbool()
const milliseconds = z.coerce.number().int().positive().max(MAX_MS)
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' })
const encoded = 'In its user and password, / is written %2F, # is %23 and % is %25'
/** Of a service, maybe with a password in it. Its driver would not say which variable it cannot read. */
const serviceUrl = (scheme: RegExp, schemes: string) => z.string()
  .regex(scheme, { error: `must start with ${schemes}`, abort: true })
  .refine(isReadable, `is not a URL of one host. ${encoded}`)
/** May name several hosts, which no other service's does: the first stands for all. */
const databaseUrl = z.string()
  .regex(/^postgres(ql)?:\/\//, { error: 'must start with postgres:// or postgresql://', abort: true })
  .refine(url => isReadable(url.replace(/,[^/?#@]*(?=[/?#]|$)/, '')), `is not a URL. ${encoded}`)
const ipRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: 'must be IP addresses or CIDR ranges' })
/** Those of extensions and desktop programs begin with a word of their own (`app://obsidian.md`). */
const browserOrigin = z.string().regex(/^[a-z][a-z\d+.-]*:\/\/[^/?#\s@*]+$/i, 'must be * or origins as browsers write them: scheme and host, without a path').toLowerCase()
const commaSeparated = z.string().transform(text => text.split(',').map(item => item.trim()).filter(Boolean))

/** Drivers decode the user, the password and the host, and take the rest of a URL as it is. */
function isReadable(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { username, password, hostname } = new URL(url)
  return !/%(?![0-9a-f]{2})/i.test(username + password + hostname) && !hostname.includes(',')
}

/** Everything the environment may say, with its defaults: what Nitro (`HOST`) and OpenTelemetry (`OTEL_EXPORTER_…`) read there for themselves, too. `docs/configuration.md` explains each; a test holds the two together. */
const Environment = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('production'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().min(1).optional(),
  APP_URL: httpUrl.transform(url => new URL(url).origin).optional(),
  LOOM_DATA_DIR: z.string().min(1).default('.data'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),

  DATABASE_URL: databaseUrl.optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),
  DATABASE_DEADLINE_MS: milliseconds.default(10_000),
  DB_AUTO_MIGRATE: flag.default(true),
  DB_RESET_ON_START: flag.default(false),
  DB_RESET_FORCE: flag.default(false),

  REDIS_URL: serviceUrl(/^rediss?:\/\//, 'redis:// or rediss://').optional(),

  ENCRYPTION_MASTER_KEY: z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal characters (openssl rand -hex 32)').optional(),
  ENCRYPTION_ACCEPT_NEW_KEY: flag.default(false),
  AUTH_SECRET: z.string().min(32).optional(),
  ADMIN_EMAIL: z.email().optional(),
  ADMIN_PASSWORD: Password.optional(),
  SIGN_UP_OPEN: flag.optional(),
  NEW_ORG_WALLET: z.enum(['prepaid', 'unlimited']).default('prepaid'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().min(1).optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds.optional(),
  OTEL_EXPORTER_OTLP_COMPRESSION: z.enum(['none', 'gzip']).optional(),
  OTEL_EXPORTER_OTLP_CERTIFICATE: z.string().min(1).optional(),
  OTEL_SERVICE_NAME: z.string().min(1).default('loom'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  SMTP_URL: serviceUrl(/^smtps?:\/\//, 'smtp:// or smtps://').optional(),
  SMTP_FROM: z.string().min(3).max(320).default('Loom <loom@localhost>'),
  ALERTS_INTERVAL_MS: milliseconds.default(15_000),
  OIDC_ISSUER: httpUrl.optional(),
  OIDC_CLIENT_ID: z.string().min(1).optional(),
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  OIDC_NAME: z.string().min(1).max(40).default('single sign-on'),
  OIDC_ALLOWED_DOMAINS: commaSeparated.default([]).pipe(z.array(Domain)),
  OIDC_DEFAULT_ORG: z.string().min(1).optional(),
  OIDC_DEFAULT_ROLE: SsoRole.default('member'),
  METRICS_TOKEN: z.string().min(1).optional(),
  TRUSTED_PROXIES: commaSeparated.default([]).pipe(z.array(ipRange)),
  CORS_ALLOWED_ORIGINS: commaSeparated.default([]).pipe(z.array(z.literal('*').or(browserOrigin))),

  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: httpUrl.optional(),
  AZURE_OPENAI_API_KEY: z.string().min(1).optional(),
  AZURE_OPENAI_ENDPOINT: httpUrl.optional(),
  AZURE_OPENAI_API_VERSION: AzureApiVersion.optional(),
  AZURE_OPENAI_DEPLOYMENTS: commaSeparated.default([]),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: httpUrl.optional(),
  GEMINI_API_KEY: z.string().min(1).optional(),
  GOOGLE_API_KEY: z.string().min(1).optional(),
  GEMINI_BASE_URL: httpUrl.optional(),
  OLLAMA_BASE_URL: httpUrl.optional(),

  CLIENT_HEADERS_TIMEOUT_MS: milliseconds.default(15_000),
  CLIENT_REQUEST_TIMEOUT_MS: milliseconds.default(120_000),
  AUTH_FAILURES_PER_MINUTE: z.coerce.number().int().positive().default(120),
  MAX_BODY_BYTES: z.coerce.number().int().positive().max(MAX_SEALED_BYTES).default(10 * 1024 * 1024),
  MAX_UPLOAD_BYTES: z.coerce.number().int().positive().default(26 * 1024 * 1024),
  MAX_FILE_BYTES: z.coerce.number().int().positive().default(25 * 1024 * 1024),
  MAX_ORG_FILE_BYTES: z.coerce.number().int().positive().default(10 * 1024 * 1024 * 1024),
  CACHE_MAX_BYTES: z.coerce.number().int().positive().default(64 * 1024 * 1024),

  FILES_S3_ENDPOINT: httpUrl.optional(),
  FILES_S3_BUCKET: z.string().min(1).optional(),
  FILES_S3_REGION: z.string().min(1).default('us-east-1'),
  FILES_S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  FILES_S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),

  UPSTREAM_CONNECT_TIMEOUT_MS: milliseconds.default(5_000),
  UPSTREAM_FIRST_BYTE_TIMEOUT_MS: milliseconds.default(300_000),
  UPSTREAM_IDLE_TIMEOUT_MS: milliseconds.default(300_000),
  UPSTREAM_TOTAL_TIMEOUT_MS: milliseconds.default(600_000),
  UPSTREAM_RETRIES: z.coerce.number().int().min(0).max(10).default(2),
  REPLICA_TIMEOUT_MS: milliseconds.default(20_000),
  SHUTDOWN_TIMEOUT_MS: milliseconds.default(30_000)
}).superRefine((config, context) => {
  const bucket = ['FILES_S3_ENDPOINT', 'FILES_S3_BUCKET', 'FILES_S3_ACCESS_KEY_ID', 'FILES_S3_SECRET_ACCESS_KEY'] as const
  if (!bucket.some(name => config[name])) return
  for (const name of bucket) if (!config[name]) context.addIssue({ code: 'custom', path: [name], message: 'is needed to keep files in a bucket' })
})

export type Config = z.infer<typeof Environment>

/**
 * Reads the configuration once, at start. Empty variables count as unset, as shells and compose files leave them.
 * @throws {ConfigError} one line naming each variable at fault, without its value
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = Environment.safeParse(set)
  if (parsed.success) return parsed.data
  throw new ConfigError(parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; '))
}

export class ConfigError extends Error {
  override name = 'ConfigError'
}

export const configNames = Object.keys(Environment.shape)
