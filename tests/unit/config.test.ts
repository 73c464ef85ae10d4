import { expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../server/config'

const urls = ['APP_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OIDC_ISSUER', 'OPENAI_BASE_URL', 'AZURE_OPENAI_ENDPOINT', 'ANTHROPIC_BASE_URL', 'GEMINI_BASE_URL', 'OLLAMA_BASE_URL', 'FILES_S3_ENDPOINT']
const times = ['DATABASE_DEADLINE_MS', 'ALERTS_INTERVAL_MS', 'CLIENT_HEADERS_TIMEOUT_MS', 'CLIENT_REQUEST_TIMEOUT_MS', 'UPSTREAM_CONNECT_TIMEOUT_MS', 'UPSTREAM_FIRST_BYTE_TIMEOUT_MS', 'UPSTREAM_IDLE_TIMEOUT_MS', 'UPSTREAM_TOTAL_TIMEOUT_MS', 'REPLICA_TIMEOUT_MS', 'SHUTDOWN_TIMEOUT_MS']

const bad: [name: string, value: string][] = [
  ...urls.flatMap(name => ['localhost:11434', 'loom.example.com:3000', 'loom.example.com', 'ftp://loom.example.com'].map((value): [string, string] => [name, value])),
  ...times.flatMap(name => ['3000000000', '2147483647', '-1', '1.5', 'soon'].map((value): [string, string] => [name, value])),
  ...['postgres://loom:s3/cret@db.example.com/loom', 'postgres://loom:s3#cret@db.example.com/loom', 'postgres://loom:100%cret@db.example.com/loom', 'mysql://loom:s3cret@db.example.com/loom'].map((value): [string, string] => ['DATABASE_URL', value]),
  ['REDIS_URL', 'redis://:s3/cret@redis.example.com'],
  ['REDIS_URL', 'redis.example.com:6379'],
  ['REDIS_URL', 'redis://:100%cret@redis.example.com'],
  ['REDIS_URL', 'redis://redis-1.example.com:6379,redis-2.example.com:6379'],
  ['REDIS_URL', 'redis://redis-1.example.com,redis-2.example.com/1'],
  ['SMTP_URL', 'smtp://mail-1.example.com:25,mail-2.example.com:25'],
  ['SMTP_URL', 'smtp://mail-1.example.com,mail-2.example.com'],
  ['SMTP_URL', 'smtp://loom:s3#cret@mail.example.com'],
  ['AZURE_OPENAI_API_VERSION', 'preview'],
  ['PORT', '65536'],
  // A trace could not be read again that has more.
  ['MAX_BODY_BYTES', '134217729'],
  ['ADMIN_PASSWORD', 's3cret'],
  ['ADMIN_PASSWORD', 's3cret'.repeat(22)],
  ['ENCRYPTION_MASTER_KEY', 's3cret'],
  ['TRUSTED_PROXIES', 'the-proxy'],
  ...['app.example.com', 'https://app.example.com/', 'https://user@app.example.com', 'https://app.example.com/chat', 'https://*.example.com'].map((value): [string, string] => ['CORS_ALLOWED_ORIGINS', value])
]

test('a bad value is refused in words that name its variable, and do not repeat it', () => {
  for (const [name, value] of bad) {
    const refusal = () => readConfig({ [name]: value })
    expect(refusal, `${name}=${value}`).toThrow(ConfigError)
    expect(refusal, `${name}=${value}`).toThrow(new RegExp(`^${name}(\\.\\d)?: (?!.*(cret|11434|example|${RegExp.escape(value)}))`))
  }
})

test('what drivers and timers understand is taken as it is', () => {
  const good = {
    APP_URL: 'http://localhost:3000',
    OLLAMA_BASE_URL: 'http://localhost:11434',
    DATABASE_URL: 'postgres://loom:a,b%2Fc%23d@db-1.example.com:5432,db-2.example.com:5433/loom?sslmode=require',
    REDIS_URL: 'rediss://:s3cret@redis.example.com:6380/1',
    SMTP_URL: 'smtps://loom@mail.example.com',
    AZURE_OPENAI_API_VERSION: '2025-03-01-preview'
  }
  expect(readConfig(good)).toMatchObject(good)
  expect(readConfig({ DATABASE_URL: 'postgresql:///loom?host=/run/postgresql' })).toMatchObject({ DATABASE_URL: 'postgresql:///loom?host=/run/postgresql' })
  // What comes after the address is taken as it is written.
  for (const [name, url] of [['DATABASE_URL', 'postgres://db.example.com/loom?application_name=100%'], ['REDIS_URL', 'redis://:a,b@redis.example.com/1?name=100%'], ['SMTP_URL', 'smtp://mail.example.com?name=100%,really']] as const) {
    expect(readConfig({ [name]: url })).toMatchObject({ [name]: url })
  }
  expect(readConfig({ UPSTREAM_TOTAL_TIMEOUT_MS: '2000000000' })).toMatchObject({ UPSTREAM_TOTAL_TIMEOUT_MS: 2_000_000_000 })
})

test('APP_URL is the origin of the address, however that is written', () => {
  for (const url of ['HTTPS://Loom.Example.COM', 'https://loom.example.com/', 'https://loom.example.com:443/app?x=1']) expect(readConfig({ APP_URL: url }).APP_URL).toBe('https://loom.example.com')
})
