import type { InteractionCommand } from "../interaction-environment.ts";
import { forEachId } from "./for-each-id.ts";

/** `process-append-thread 1`: the append worker carries out its oldest piece of work. */
export const processAppendThread: InteractionCommand = (cluster, test) => {
  forEachId(cluster, test, {
    title: "processing append thread",
    run: (id) => cluster.processAppendThread(id),
  });
};
