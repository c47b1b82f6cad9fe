import type { ClusterId } from "@stratalog/base";
import { emptyImage, type MetadataImage } from "@stratalog/metadata";

/** The cluster's metadata as one broker knows it: what was committed, maybe a little late. */
export interface ClusterView {
  readonly image: MetadataImage;
  /** Index of the controller's log that the image is made of; 0 before anything was heard. */
  readonly appliedIndex: number;
  /** Whether the cluster's id is known, so that requests can be answered. */
  readonly isFormed: boolean;
  readonly clusterId: ClusterId | undefined;
  /** Calls back after the image changed. Returns how to stop. */
  onChange(callback: (image: MetadataImage, previous: MetadataImage) => void): () => void;
}

/**
 * The one copy of the image that everything on a broker looks at. Invariant: the index never goes
 * back.
 */
export class MetadataView implements ClusterView {
  #image = emptyImage();
  #appliedIndex = 0;
  readonly #callbacks = new Set<(image: MetadataImage, previous: MetadataImage) => void>();

  get image(): MetadataImage {
    return this.#image;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get isFormed(): boolean {
    return this.#image.clusterId !== undefined;
  }

  get clusterId(): ClusterId | undefined {
    return this.#image.clusterId;
  }

  onChange(callback: (image: MetadataImage, previous: MetadataImage) => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  }

  /** Takes in a later image; an older one is ignored. */
  replace(image: MetadataImage, index: number): void {
    if (index < this.#appliedIndex) return;
    const previous = this.#image;
    this.#image = image;
    this.#appliedIndex = index;
    if (image === previous) return;
    for (const callback of this.#callbacks) callback(image, previous);
  }
}
