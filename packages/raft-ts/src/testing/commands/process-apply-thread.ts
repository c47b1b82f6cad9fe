import type { InteractionCommand } from "../interaction-environment.ts";
import { forEachId } from "./for-each-id.ts";

/** `process-apply-thread 1`: the apply worker carries out its oldest piece of work. */
export const processApplyThread: InteractionCommand = (cluster, test) => {
  forEachId(cluster, test, {
    title: "processing apply thread",
    run: (id) => cluster.processApplyThread(id),
  });
};
