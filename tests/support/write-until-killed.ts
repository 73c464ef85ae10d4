import { openEmbedded } from '../../db/open-embedded'

// A process of its own, to be killed: counts upwards in the database and prints each number once it is committed.
const db = await openEmbedded({ dataDir: process.argv[2] ?? '' })
await db.query('create table if not exists counted (number int primary key)')
console.log('ready')
for (let number = 0; ; number++) {
  await db.query('insert into counted values ($1)', [number])
  console.log(number)
}
