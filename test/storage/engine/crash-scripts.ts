/** The workloads whose crashes are gone through. A memtable of 16 KiB holds seven of the large writes. */
import { type Script, script } from './script.ts';

export const SCRIPTS: readonly Script[] = [
  script(
    'puts',
    'put a 100 sync | put b 300 none | put c 20 none; put d 700 sync | put a 40 none; put e 5000 periodic | wait 200; put b 9 none | put c 60 sync; put d 20 none',
  ),
  script(
    'deletes',
    'put a 90 sync; put b 90 sync | put c 90 none | delete a sync | range b d none; put b 30 sync | delete z sync; range a z sync | put d 50 none | range a b none',
  ),
  script(
    'batches',
    'batch a:600 b:600 c:600 sync | batch -a b:100 d:900 none | batch a:50 c..d e:5 sync | batch b..z f:700 none; batch g:300 -f sync | batch h:10 i:10 none',
  ),
  script('marks', 'put a 900 sync | wait 120; put b 30 sync | wait 120; put c 30 none | put d 4000 sync | wait 120; put e 10 sync'),
  script(
    'flush',
    'put a 900 sync; put b 400 none; flush; put a 100 sync | range b c none; flush | put c 700 sync; delete a sync; flush; put d 10 none | put a 5 sync',
  ),
  script(
    'rotation',
    'put a 2000 none; put b 2000 sync; put c 2000 none | put d 2000 none; put e 2000 sync | put f 2000 none; put a 2000 none; put b 2000 sync; put c 2000 none |' +
      'put d 2000 sync; put e 2000 none; put f 2000 none; put a 2000 none | put b 2000 sync; wait 100; put c 2000 none; put d 2000 none | put e 2000 sync',
  ),
  script(
    'recycled segments',
    'put a 900 sync; flush | put b 900 none; flush | put c 900 sync; flush | put d 900 sync; put a 20 none; flush | put b 10 sync | put e 3000 none | put a 8 sync',
  ),
  script(
    'compaction',
    'batch a:900 b:900 c:900 d:900 sync; flush | batch -a b:800 e:900 sync; flush | put f 30 none; range c e sync; compact | ' +
      'put a 700 sync; flush | compact; put g 70 sync | range a z sync; put h 10 none; compact | put i 9 sync',
  ),
  script(
    'manifest roll',
    'put a 90 sync; flush | put b 90 sync; flush | put c 90 sync; flush | put d 90 none; flush | put e 90 sync; flush | ' +
      'put f 90 sync; flush | put a 9 sync; flush | put b 8 none; flush | put c 8 sync',
  ),
  script(
    'reopening',
    'reopen; put a 90 sync; put b 900 none; reopen; put c 60 sync | flush; put d 80 none; reopen; reopen; delete a sync | put d 70 none; put e 7 sync',
  ),
  script(
    'checkpoint',
    'put a 900 sync; put b 60 none; flush | put a 70 none; checkpoint /data/copy; put c 800 none | delete b sync; flush | compact | put d 7 sync',
  ),
];
