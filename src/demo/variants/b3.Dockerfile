WORKDIR /app
COPY . .
RUN ./mvnw clean package -DskipTests
CMD ["java", "-jar", "target/sample-java-app.jar"]
EXPOSE 8080
