/** The process of one contest: `node --expose-gc dist/bench/actors/run-contest.js <contest> <runs> <ms>`; prints the rows where nobody takes them. */
import { holdContest } from '../lib/contest.ts';
import { printRows } from '../lib/report.ts';
import { type ContestReport, openContest } from './contests.ts';

const [name = '', runs = '3', runMs = '200'] = process.argv.slice(2);
const contest = await openContest(name);
const rows = await holdContest(contest, { runs: Number(runs), runMs: Number(runMs) });
await contest.close();
const report: ContestReport = { rows };
if (process.send === undefined) printRows(rows);
else process.send(report, () => process.disconnect());
