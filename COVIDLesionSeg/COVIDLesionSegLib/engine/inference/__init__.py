"""Networks on whole CTs: device, preprocessing, patches."""
