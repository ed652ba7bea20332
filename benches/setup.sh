#!/usr/bin/env bash
# Puts the peers into benches/.venv: transformers and lm-eval as published, llama.cpp compiled here with this machine's
# own instructions (a wheel for everybody would be slower, and the comparison unfair). About 30 minutes on two cores.
#
#     benches/setup.sh && benches/.venv/bin/python benches/run.py
#
# Needs a C++ compiler; cmake and ninja come from the package index.
set -euo pipefail
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet cmake==4.4.5 ninja==1.13.2 scikit-build-core
llama=$(grep '^llama-cpp-python' requirements.txt)
if ! .venv/bin/pip show --quiet llama-cpp-python 2>/dev/null; then
    # LLAMAFILE: its faster matrix products for prompts. LLAVA: pictures, which nobody asks about here.
    CMAKE_ARGS="-DGGML_NATIVE=ON -DGGML_LLAMAFILE=ON -DGGML_OPENMP=ON -DLLAVA_BUILD=OFF" \
        CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-$(nproc)}" \
        .venv/bin/pip install --no-binary llama-cpp-python "$llama"
fi
.venv/bin/pip install --quiet --requirement requirements.txt
.venv/bin/python - <<'PYTHON'
import importlib.metadata
import llama_cpp

for name in ["torch", "transformers", "llama-cpp-python", "gguf", "lm-eval"]:
    print(f"{name} {importlib.metadata.version(name)}")
print("llama.cpp was compiled with:", llama_cpp.llama_print_system_info().decode())
PYTHON
