FROM golang:1.23-alpine3.21
WORKDIR /app
COPY ./hello/ .
RUN go mod tidy && \
    go build -o myapp .
ENTRYPOINT [ "./myapp" ]
