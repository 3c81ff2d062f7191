// The search runs in a worker, which browsers refuse to pages that are opened from a folder. There a
// hidden frame does its work: it runs the worker's script with the same two calls, in and out.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((resolve) => {
        const append = () => {
          document.body.append(this.frame);
          const inside = this.frame.contentWindow;
          inside.postMessage = (data) =>
            this.dispatchEvent(new MessageEvent("message", { data }));
          const script = this.frame.contentDocument.createElement("script");
          script.onload = () => resolve(inside);
          script.src = url;
          this.frame.contentDocument.body.append(script);
        };
        if (document.body) append();
        else addEventListener("DOMContentLoaded", append);
      });
    }

    postMessage(data) {
      this.ready.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
