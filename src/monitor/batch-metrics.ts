/** What is exposed of batches. Their ids and skills are no labels: there is no end of them. */
import { counter, each, gauge, histogram, one, type MetricFamily } from './metric-family.ts';

export const BATCH_FAMILIES: readonly MetricFamily[] = [
  gauge('batches_running', 'Batches under way.', ({ batches }) => one(batches.running)),
  counter('batches_begun', 'Batches that were begun, or resumed.', ({ batches }) =>
    each('how', { new: batches.begun, resumed: batches.resumed }),
  ),
  counter('batches_ended', 'Batches that ended, by how; those interrupted can be resumed.', ({ batches }) =>
    each('outcome', batches.ended),
  ),
  counter('batch_items', 'Items whose lines were written, by outcome.', ({ batches }) =>
    each('outcome', batches.items),
  ),
  counter('batch_items_cached', 'Items that were answered without running.', ({ batches }) =>
    one(batches.cached),
  ),
  counter('batch_output_bytes', 'Output that is on disk for good.', ({ batches }) =>
    one(batches.outputBytes),
  ),
  histogram('batch_checkpoint', 'Time to sync the output and to write a checkpoint.', ({ batches }) => [
    { labels: {}, histogram: batches.checkpointMs },
  ]),
];
